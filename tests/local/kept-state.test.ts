import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeKeptState, explainJournalError } from '../../local/kept-state.js';
import { fixtureFolder } from './functions-host/support/host-process.js';
import { makeFolder } from './support/folders.js';
import { launchApp, type Launched } from './support/launched.js';

const app = fixtureFolder('kept-app');

function start(data: string, environment: Readonly<Record<string, string>> = {}): Launched {
  return launchApp(['--model', 'azure', '--port', '0', '--app', app, '--data', data], environment);
}

async function entityUrl(launched: Launched, key: string): Promise<string> {
  const output = await launched.printed(/listening \S+\n/);
  const [, base = ''] = /listening (\S+)\n/.exec(output) ?? [];
  return `${base}/runtime/webhooks/durabletask/entities/kept/${key}`;
}

async function signal(url: string, operation: string, input: unknown): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${url}?op=${operation}`, { method: 'POST', headers, body: JSON.stringify(input) });
  expect(response.status).toBe(202);
}

async function readState(url: string): Promise<unknown> {
  const response = await fetch(url);
  return response.status === 404 ? undefined : response.json();
}

describe('npm start keeps the state of its host', () => {
  it('across kill -9 during an operation, which is redelivered at once', async () => {
    const folder = await makeFolder();
    const environment = { RUN_LOG: path.join(folder, 'runs') };
    const data = path.join(folder, 'data');
    const first = start(data, environment);
    const url = await entityUrl(first, 'a');
    await signal(url, 'note', 'one');
    await expect.poll(() => readState(url)).toEqual(['one']);
    await signal(url, 'stay', 'two');
    await signal(url, 'note', 'three');
    await expect.poll(() => readFile(environment.RUN_LOG, 'utf8')).toContain('a "two"\n');
    first.signal('SIGKILL');
    expect(await first.ended).toBe('SIGKILL');
    expect(first.output()).toContain(`state     ${data}/ (empty)\n`);

    const second = start(data, environment);
    const sameUrl = await entityUrl(second, 'a');
    expect(second.output()).toContain(`state     ${data}/ (1 entity, 2 operations redelivered)\n`);
    await expect.poll(() => readState(sameUrl)).toEqual(['one', 'two', 'three']);
    second.signal('SIGTERM');
    expect(await second.ended).toBe(0);

    const third = start(data, environment);
    expect(await readState(await entityUrl(third, 'a'))).toEqual(['one', 'two', 'three']);
    expect(third.output()).toContain(`state     ${data}/ (1 entity)\n`);
    expect(await readFile(environment.RUN_LOG, 'utf8')).toBe('a "one"\na "two"\na "two"\na "three"\n');
  });

  it('for one host at a time, separately for each app and task hub', async () => {
    const data = await makeFolder();
    const first = start(data);
    await first.printed('listening');
    const second = start(data);
    expect(await second.ended).toBe(1);
    expect(second.output()).toContain(`Another local Functions host (process ${first.pid}) is using ${data}`);
    expect(second.output()).toContain('--ephemeral');
    expect(second.output()).not.toMatch(/^\s+at /m);

    const otherApp = launchApp(
      ['--model', 'azure', '--port', '0', '--app', fixtureFolder('module-app'), '--data', data],
      { MODULE_APP_HUB: 'Kept' },
    );
    await otherApp.printed('listening');
  });

  it('unless it is started with --ephemeral', async () => {
    const folder = await makeFolder();
    const commandLine = ['--model', 'azure', '--port', '0', '--app', app, '--ephemeral'];
    const launched = launchApp(commandLine, { RUN_LOG: path.join(folder, 'runs') });
    expect(await launched.printed('listening')).toContain('state     in memory only (--ephemeral)\n');
  });

  it('and does not start if it cannot read a state file', async () => {
    const folder = await makeFolder();
    const data = path.join(folder, 'data');
    const environment = { RUN_LOG: path.join(folder, 'runs') };
    const first = start(data, environment);
    const url = await entityUrl(first, 'a');
    await signal(url, 'note', 'one');
    await expect.poll(() => readState(url)).toEqual(['one']);
    first.signal('SIGTERM');
    expect(await first.ended).toBe(0);
    const files = await readdir(data, { recursive: true });
    const file = path.join(data, files.find((name) => name.endsWith('.json')) ?? '');
    const torn = (await readFile(file, 'utf8')).slice(0, 40);
    await writeFile(file, torn);

    const second = start(data, environment);
    expect(await second.ended).toBe(1);
    expect(second.output()).toContain(`${file} cannot be read: `);
    expect(second.output()).toContain('--ephemeral');
    expect(second.output()).not.toMatch(/^\s+at /m);
    expect(await readFile(file, 'utf8')).toBe(torn);
  });
});

describe('npm start reports a data folder that cannot be used, and suggests a remedy:', () => {
  it.each([
    ['the path of a file', process.execPath] as const,
    // The recursive `mkdir` of Node.js would try forever to create a folder there.
    ...(process.platform === 'linux'
      ? [['a path where the system creates no folder', '/proc/none/data'] as const]
      : []),
  ])('%s', async (_where, data) => {
    const launched = start(data);
    expect(await launched.ended).toBe(1);
    expect(launched.output()).toContain(`State cannot be stored in ${data}: `);
    expect(launched.output()).toContain('--ephemeral');
    expect(launched.output()).not.toMatch(/^\s+at /m);
  });
});

describe('the message about an existing state', () => {
  const folder = { path: path.join(path.sep, 'package', '.local-host'), packageFolder: path.join(path.sep, 'package') };
  const functions = [{ name: 'dafx-CallbackAgent', kind: 'entity', detail: '' }] as const;

  it.each([
    [0, 0, '.local-host/ (empty)'],
    [1, 0, '.local-host/ (1 conversation)'],
    [3, 1, '.local-host/ (3 conversations, 1 run redelivered)'],
    [0, 2, '.local-host/ (empty, 2 runs redelivered)'],
  ])('counts %i conversations and %i runs', (entityCount, operationCount, text) => {
    expect(describeKeptState(folder, { functions, found: { entityCount, operationCount } })).toBe(text);
  });

  it('does not hide other errors', () => {
    const error = new Error('of the app');
    expect(explainJournalError(folder, error)).toBe(error);
  });
});
