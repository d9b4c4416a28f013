import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { parsePackageOptions } from '../local/package/package-options.js';
import { launchApp } from './local/support/launched.js';
import { durableServices } from './support/durable-services.js';
import { startOtlpReceiver } from './support/otlp-receiver.js';
import { modelSettings } from './support/scripted-model.js';

const projectFolder = path.resolve(__dirname, '..');
const manifest = z.object({
  name: z.string(),
  version: z.string(),
  engines: z.record(z.string(), z.string()),
});
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

  it('contains the bundled app, its page, host.json, package.json and licenses, but no sources, tools, settings or source maps', () => {
    const names = Object.keys(files).map((file) =>
      file.replace(/-[\w-]{8}\.js$/, '-HASH.js').replace(/-[0-9a-f]{12}\./, '-hash.'),
    );
    expect(names.filter((file) => !/^(?:dist\/[\w.-]+-HASH\.js|licenses\/.+\.txt)$/.test(file)).toSorted()).toEqual([
      'LICENSE',
      'dist/app.js',
      'dist/assets/icon-hash.svg',
      'dist/assets/index.html',
      'dist/assets/main-hash.css',
      'dist/assets/main-hash.js',
      'dist/axios.js',
      'dist/moment.js',
      'dist/validator.js',
      'host.json',
      'package.json',
    ]);
  });

  it('has a package.json with the bundle as its main file, and nothing to install or to run', () => {
    const { name, version, engines } = project;
    expect(readJson('package.json')).toEqual({ name, version, main: 'dist/app.js', engines });
  });

  it('loads stores, telemetry and the calculator on demand, from separate files', () => {
    const start = Buffer.from(files['dist/app.js'] ?? []).toString();
    const others = Object.entries(files).filter(([file]) => /^dist\/[^/]+-[\w-]{8}\.js$/.test(file));
    for (const name of [
      '@azure/cosmos',
      '@azure/data-tables',
      '@redis/client',
      '@opentelemetry/sdk-metrics',
      'mathjs',
    ]) {
      const code = `// node_modules/${name}/`;
      expect(start).not.toContain(code);
      expect(others.some(([, content]) => Buffer.from(content).includes(code))).toBe(true);
    }
  });

  it('has the license of each bundled package', async () => {
    const bundled = new Set<string>();
    for (const [file, content] of Object.entries(files)) {
      if (!/^dist\/[^/]+\.js$/.test(file)) continue;
      for (const [, packageFolder = ''] of Buffer.from(content)
        .toString()
        .matchAll(/^\s*\/\/ ((?:\S+\/)?node_modules\/(?:@[^/\s]+\/)?[^/\s]+)\/\S+$/gm)) {
        bundled.add(packageFolder);
      }
    }
    for (const name of await pageImports()) bundled.add(`node_modules/${name}`);
    expect(bundled.size).toBeGreaterThan(100);
    const unlicensed = await Promise.all(
      [...bundled].map(async (packageFolder) => {
        const text = await readFile(path.join(projectFolder, packageFolder, 'package.json'), 'utf8');
        const { name, version } = z.object({ name: z.string(), version: z.string() }).parse(JSON.parse(text));
        const license = Buffer.from(files[`licenses/${name.replace('/', '__')}-${version}.txt`] ?? []).toString();
        return /license/i.test(license) ? [] : [packageFolder];
      }),
    );
    expect(unlicensed.flat()).toEqual([]);
  });
});

/** Names of the packages that the dashboard's page imports. */
async function pageImports(): Promise<string[]> {
  const pageFolder = path.join(projectFolder, 'src/dashboard/page');
  const sources = (await readdir(pageFolder, { recursive: true })).filter((name) => name.endsWith('.ts'));
  const texts = await Promise.all(sources.map((name) => readFile(path.join(pageFolder, name), 'utf8')));
  return texts.flatMap((text) => [...text.matchAll(/ from '([a-z][^'/]*)/g)].map(([, name = '']) => name));
}

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
      'dafx-RefundAgent: entity dafx-refundagent',
      'dafx-WeatherAgent: entity dafx-weatheragent',
      'dashboard: GET /api/dashboard',
      'dashboard_asset: GET /api/dashboard/{asset}',
      'decide_approval: POST /api/agents/{agentName}/threads/{thread_id}/approvals/{approval_id}',
      'delete_thread: DELETE /api/agents/{agentName}/threads/{thread_id}',
      'expire_approvals: POST /admin/functions/expire_approvals',
      'export_callback_events: GET /api/agents/{agentName}/callbacks/{thread_id}/export',
      'get_callback_events: GET /api/agents/{agentName}/callbacks/{thread_id}',
      'get_run: GET /api/agents/{agentName}/threads/{thread_id}/runs/{correlation_id}',
      'get_stats: GET /api/agents/{agentName}/stats',
      'get_thread: GET /api/agents/{agentName}/threads/{thread_id}',
      'health_check: GET /api/health',
      'http-CallbackAgent: POST /api/agents/CallbackAgent/run',
      'http-MathAgent: POST /api/agents/MathAgent/run',
      'http-RefundAgent: POST /api/agents/RefundAgent/run',
      'http-WeatherAgent: POST /api/agents/WeatherAgent/run',
      'list_approvals: GET /api/agents/{agentName}/threads/{thread_id}/approvals',
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

  it('loads packages that durable-functions does not need at its start when they are used', async () => {
    const look = `
      require(${JSON.stringify(app)});
      const { basename } = require('node:path');
      const loaded = Object.keys(require.cache).map((file) => basename(file));
      const hours = require(${JSON.stringify(path.join(app, 'dist/moment.js'))}).duration(90, 'minutes').asHours();
      console.log('\\n' + JSON.stringify({ loaded, hours }));
      process.exit();`;
    const environment = modelSettings({ endpoint: 'http://127.0.0.1:9' });
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', look], { env: { ...environment } });
    const { loaded, hours } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
    expect(loaded).toContain('app.js');
    for (const file of ['axios.js', 'moment.js', 'validator.js']) expect(loaded).not.toContain(file);
    expect(hours).toBe(1.5);
  });

  for (const kind of durableServices.filter(({ name }) => name !== 'table')) {
    it.skipIf(kind.isMissing)(
      `loads the ${kind.name} store, the calculator and the telemetry exporters from its bundle`,
      async () => {
        const service = await kind.start();
        onTestFinished(() => service.close());
        const receiver = await startOtlpReceiver();
        onTestFinished(() => receiver.close());
        const launched = launchApp(
          ['--host', 'local', '--ephemeral', '--model', 'offline', '--port', '0', '--app', app],
          {
            ...service.settings,
            OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
            OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
            APPLICATIONINSIGHTS_CONNECTION_STRING: `InstrumentationKey=${randomUUID()};IngestionEndpoint=https://127.0.0.1:9/`,
          },
        );
        const output = await launched.printed('Ctrl-C');
        const base = /^listening (\S+)$/m.exec(output)?.[1] ?? '';
        const run = await fetch(`${base}/api/agents/MathAgent/run`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ message: 'What is 12 * 34?', thread_id: 'packaged' }),
        });
        expect(await run.json()).toMatchObject({
          status: 'success',
          response: expect.stringContaining('408') as string,
        });
        const events = await fetch(`${base}/api/agents/MathAgent/callbacks/packaged?limit=1`);
        expect(await events.json()).toHaveLength(1);
        launched.signal('SIGTERM');
        await launched.ended;
        expect(receiver.spans.map(({ name }) => name)).toContain('execute_tool calculate');
      },
    );
  }
});
