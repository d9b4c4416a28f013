import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { parsePackageOptions } from '../local/package/package-options.js';
import { launchApp } from './local/support/launched.js';

const projectFolder = path.resolve(__dirname, '..');
const manifest = z.object({
  name: z.string(),
  version: z.string(),
  main: z.string(),
  engines: z.record(z.string(), z.string()),
  dependencies: z.record(z.string(), z.string()),
  devDependencies: z.record(z.string(), z.string()),
});
const dependencies = z.object({
  dependencies: z.record(z.string(), z.string()).default({}),
  optionalDependencies: z.record(z.string(), z.string()).default({}),
  peerDependencies: z.record(z.string(), z.string()).default({}),
});
const packageFolder = /(?:^|\/)node_modules\/(?:@[^/]+\/)?[^/]+$/;

interface WrittenPackage {
  readonly fileName: string;
  readonly bytes: Buffer;
  readonly output: string;
}

let project: z.infer<typeof manifest>;
let folder: string;
let written: WrittenPackage;
let files: Record<string, Uint8Array>;

beforeAll(async () => {
  project = manifest.parse(JSON.parse(await readFile(path.join(projectFolder, 'package.json'), 'utf8')));
  folder = await mkdtemp(path.join(tmpdir(), 'package-'));
  written = await writePackage('first', 'America/Los_Angeles');
  files = unzipSync(written.bytes);
});

afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

/** Runs the packaging step of `npm run package` on the built app, with its own output folder. */
async function writePackage(name: string, timeZone: string): Promise<WrittenPackage> {
  const target = path.join(folder, name);
  await mkdir(target);
  const program = path.join(projectFolder, 'dist/local/package/package-app.js');
  const { stdout } = await promisify(execFile)(process.execPath, [program, target], {
    env: { ...process.env, TZ: timeZone },
  });
  const [fileName = '', ...others] = await readdir(target);
  expect(others).toEqual([]);
  return { fileName, bytes: await readFile(path.join(target, fileName)), output: stdout };
}

async function unpack(name: string): Promise<string> {
  const target = path.join(folder, name);
  for (const [file, bytes] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(target, file)), { recursive: true });
    await writeFile(path.join(target, file), bytes);
  }
  return target;
}

function readJson(file: string): unknown {
  return JSON.parse(Buffer.from(files[file] ?? []).toString());
}

/** Folders of all packages that the app can reach with `require`, resolved as Node.js does. */
function reachablePackages(from: string, reached = new Set<string>()): Set<string> {
  const wanted = dependencies.parse(readJson(path.posix.join(from, 'package.json')));
  const mayBeMissing = Object.keys({ ...wanted.optionalDependencies, ...wanted.peerDependencies });
  for (const name of [...Object.keys(wanted.dependencies), ...mayBeMissing]) {
    let lookIn = from;
    while (lookIn !== '' && files[`${lookIn}/node_modules/${name}/package.json`] === undefined) {
      lookIn = lookIn.replace(packageFolder, '');
    }
    const found = path.posix.join(lookIn, 'node_modules', name);
    if (files[`${found}/package.json`] !== undefined) {
      if (!reached.has(found)) reachablePackages(found, reached.add(found));
    } else if (!mayBeMissing.includes(name)) {
      throw new Error(`The package lacks ${name}, which ${from || 'the app'} depends on.`);
    }
  }
  return reached;
}

describe('npm run package', () => {
  it('writes one zip named after the app and its version, and prints its file count and size', () => {
    expect(written.fileName).toBe(`${project.name}-${project.version}.zip`);
    expect(written.output).toContain(
      `${written.fileName}: ${Object.keys(files).length} files, ${(written.bytes.length / 1e6).toFixed(1)} MB`,
    );
  });

  it('writes the same bytes each time, in any time zone', async () => {
    const again = await writePackage('again', 'Asia/Kolkata');
    expect(again.bytes.equals(written.bytes)).toBe(true);
    expect(Object.keys(files)).toEqual(Object.keys(files).toSorted());
  });

  it('writes the same files to a folder, with the host.json of the Durable Task Scheduler on request', async () => {
    const target = path.join(folder, 'files');
    await mkdir(path.join(target, 'left'), { recursive: true });
    const program = path.join(projectFolder, 'dist/local/package/package-app.js');
    const options = ['--folder', target, '--durable-backend', 'scheduler'];
    await promisify(execFile)(process.execPath, [program, ...options]);
    const entries = await readdir(target, { recursive: true, withFileTypes: true });
    const names = entries
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(target, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/'));
    expect(names.toSorted()).toEqual(Object.keys(files).toSorted());
    expect(JSON.parse(await readFile(path.join(target, 'host.json'), 'utf8'))).toMatchObject({
      extensions: {
        durableTask: {
          hubName: 'default',
          storageProvider: {
            type: 'azureManaged',
            connectionStringName: 'DURABLE_TASK_SCHEDULER_CONNECTION_STRING',
          },
        },
      },
    });
  });

  it.each([
    [['--durable-backend', 'mssql'], '--durable-backend must be storage or scheduler, not mssql'],
    [['zips', '--folder', 'files'], 'zips: --folder writes no zip'],
  ])('rejects the arguments %j', (commandLine, problem) => {
    expect(() => parsePackageOptions(commandLine)).toThrow(problem);
  });

  it('contains the compiled sources, host.json, package.json and packages, but no tests, tools, settings or source maps', async () => {
    const own = Object.keys(files).filter((file) => !file.startsWith('node_modules/'));
    const sources = await readdir(path.join(projectFolder, 'src'), { recursive: true, withFileTypes: true });
    const compiled = sources
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(projectFolder, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/'))
      .filter((source) => !source.startsWith('src/dashboard/page/'))
      .map((source) => `dist/${source.replace(/\.ts$/, '.js')}`);
    const page = own.filter((file) => file.startsWith('dist/src/dashboard/assets/'));
    expect(page.map((file) => path.posix.extname(file)).toSorted()).toEqual(['.css', '.html', '.js', '.svg']);
    const licenses = own.filter((file) => file.startsWith('licenses/'));
    expect(own).toEqual([...compiled, ...page, ...licenses, 'LICENSE', 'host.json', 'package.json'].toSorted());
    expect(Object.keys(files).filter((file) => /\.(?:map|ts)$|(?:^|\/)local\.settings/.test(file))).toEqual([]);
  });

  it('has a package.json without scripts and development fields', () => {
    const { name, version, main, engines, dependencies: production } = project;
    expect(readJson('package.json')).toEqual({ name, version, main, engines, dependencies: production });
  });

  it('contains the packages that the app can reach, and no others', () => {
    const folders = new Set(Object.keys(files).map((file) => path.posix.dirname(file)));
    const packages = [...folders].filter((parent) => packageFolder.test(parent));
    expect(packages.toSorted()).toEqual([...reachablePackages('')].toSorted());
    for (const name of Object.keys(project.dependencies)) expect(packages).toContain(`node_modules/${name}`);
    for (const name of Object.keys(project.devDependencies)) expect(packages).not.toContain(`node_modules/${name}`);
  });

  it('keeps the licenses of the packages, but no other Markdown', () => {
    expect(files['node_modules/openai/LICENSE']).toBeDefined();
    expect(files['LICENSE']).toBeDefined();
    const markdown = Object.keys(files).filter((file) => file.endsWith('.md'));
    expect(markdown).not.toEqual([]);
    expect(markdown.filter((file) => !/licen[cs]e|notice/i.test(path.posix.basename(file)))).toEqual([]);
  });
});

it('npm run package includes the license of every package that the dashboard bundles', async () => {
  const pageFolder = path.join(projectFolder, 'src/dashboard/page');
  const sources = (await readdir(pageFolder, { recursive: true })).filter((name) => name.endsWith('.ts'));
  const texts = await Promise.all(sources.map((name) => readFile(path.join(pageFolder, name), 'utf8')));
  const imports = texts.flatMap((text) => [...text.matchAll(/ from '([a-z][^'/]*)/g)].map(([, name = '']) => name));
  const licensed = Object.keys(files).filter((file) => file.startsWith('licenses/'));
  expect(new Set(licensed)).toEqual(new Set(imports.map((name) => `licenses/${name}.txt`)));
  for (const file of licensed) expect(Buffer.from(files[file] ?? []).toString()).toMatch(/permission|license/i);
});

describe('the unpacked package', () => {
  let app: string;

  beforeAll(async () => {
    app = await unpack('app');
  });

  it('registers the functions of the app, runs a message and serves its events', async () => {
    const launched = launchApp(['--host', 'local', '--ephemeral', '--model', 'offline', '--port', '0', '--app', app]);
    const output = await launched.printed(/^Functions\n(?: {2}.*\n)+\n/m);
    const listed = /^Functions\n((?: {2}.*\n)+)\n/m.exec(output)?.[1] ?? '';
    const functions = [...listed.matchAll(/^ {2}(\S+) .*?([A-Z,]+ \/\S+|entity \S+)$/gm)];
    expect(functions.map(([, name, served]) => `${name}: ${served}`).toSorted()).toEqual([
      'cancel_run: POST /api/agents/{agentName}/threads/{thread_id}/runs/{correlation_id}/cancel',
      'dafx-CallbackAgent: entity dafx-callbackagent',
      'dafx-MathAgent: entity dafx-mathagent',
      'dafx-WeatherAgent: entity dafx-weatheragent',
      'dashboard: GET /api/dashboard',
      'dashboard_asset: GET /api/dashboard/{asset}',
      'delete_thread: DELETE /api/agents/{agentName}/threads/{thread_id}',
      'export_callback_events: GET /api/agents/{agentName}/callbacks/{thread_id}/export',
      'get_callback_events: GET /api/agents/{agentName}/callbacks/{thread_id}',
      'get_run: GET /api/agents/{agentName}/threads/{thread_id}/runs/{correlation_id}',
      'get_stats: GET /api/agents/{agentName}/stats',
      'get_thread: GET /api/agents/{agentName}/threads/{thread_id}',
      'health_check: GET /api/health',
      'http-CallbackAgent: POST /api/agents/CallbackAgent/run',
      'http-MathAgent: POST /api/agents/MathAgent/run',
      'http-WeatherAgent: POST /api/agents/WeatherAgent/run',
      'list_runs: GET /api/agents/{agentName}/threads/{thread_id}/runs',
      'list_threads: GET /api/agents/{agentName}/threads',
      'openapi: GET /api/openapi.json',
      'purge_threads: POST /admin/functions/purge_threads',
      'reset_callback_events: DELETE /api/agents/{agentName}/callbacks/{thread_id}',
      'stream_callback_events: GET /api/agents/{agentName}/callbacks/{thread_id}/stream',
    ]);
    expect(listed.trim().split('\n')).toHaveLength(functions.length);

    const base = /^listening (\S+)$/m.exec(output)?.[1] ?? '';
    const run = await fetch(`${base}/api/agents/CallbackAgent/run`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ message: 'Is it there?', thread_id: 'packaged' }),
    });
    const answer = z.object({ response: z.string(), status: z.string() }).parse(await run.json());
    expect(run.status).toBe(200);
    expect(answer.status).toBe('success');

    const events = await fetch(`${base}/api/agents/CallbackAgent/callbacks/packaged`);
    expect(events.status).toBe(200);
    const final = z
      .array(z.looseObject({ event_type: z.string() }))
      .parse(await events.json())
      .at(-1);
    expect(final).toMatchObject({ event_type: 'final', response_text: answer.response });
  });

  it('runs from its own packages', async () => {
    const openai = [path.join(app, 'node_modules/openai'), path.join(folder, 'openai')] as const;
    await rename(...openai);
    onTestFinished(() => rename(openai[1], openai[0]));
    const launched = launchApp(['--host', 'local', '--ephemeral', '--model', 'offline', '--port', '0', '--app', app]);
    expect(await launched.ended).toBe(1);
    expect(launched.output()).toContain(`Cannot find module 'openai'`);
  });
});
