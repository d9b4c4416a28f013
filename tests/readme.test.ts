import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { launchApp } from './local/support/launched.js';
import { AgentApi } from './support/agent-api.js';
import { modelSettings, startScriptedModel } from './support/scripted-model.js';

const projectFolder = path.resolve(__dirname, '..');

/** Copies the app's source and its built page into a folder where the test can change and compile it. */
async function copyApp(): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'readme-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  for (const name of ['src', 'dist/src/dashboard/assets', 'host.json', 'package.json', 'tsconfig.json']) {
    await cp(path.join(projectFolder, name), path.join(folder, name), { recursive: true });
  }
  await symlink(path.join(projectFolder, 'node_modules'), path.join(folder, 'node_modules'));
  return folder;
}

/** Follows a document: creates its files (```ts with a path in the first line) and applies its changes (```diff). */
async function followSteps(document: string, folder: string): Promise<void> {
  const text = await readFile(path.join(projectFolder, document), 'utf8');
  for (const [, file = '', code = ''] of text.matchAll(/^```ts\n\/\/ (\S+)\n(.*?)^```$/gms)) {
    await writeFile(path.join(folder, file), code);
  }
  for (const [, file = '', diff = ''] of text.matchAll(/^```diff\n--- (\S+)\n(.*?)^```$/gms)) {
    const target = path.join(folder, file);
    for (const hunk of diff.trimEnd().split('\n\n')) {
      const lines = hunk.split('\n');
      const before = lines.filter((line) => !line.startsWith('+')).map((line) => line.slice(1));
      const after = lines.filter((line) => !line.startsWith('-')).map((line) => line.slice(1));
      const source = await readFile(target, 'utf8');
      expect(source).toContain(before.join('\n'));
      await writeFile(
        target,
        source.replace(before.join('\n'), () => after.join('\n')),
      );
    }
  }
}

async function compile(folder: string): Promise<void> {
  const compiler = path.join(projectFolder, 'node_modules/typescript/lib/tsc.js');
  await promisify(execFile)(process.execPath, [compiler, '-p', folder]).catch((error: { stdout: string }) => {
    throw new Error(error.stdout);
  });
}

it('the steps of the README add an agent and a callback, and the examples in docs/callbacks.md compile', async () => {
  const folder = await copyApp();
  await followSteps('README.md', folder);
  await followSteps('docs/callbacks.md', folder);
  await compile(folder);
  const model = await startScriptedModel(() => ({ pieces: ['An old ', 'silent pond'] }));
  onTestFinished(() => model.close());

  const launched = launchApp(['--host', 'local', '--app', folder, '--port', '0', '--ephemeral'], modelSettings(model));
  const [, url = ''] = /^listening (\S+)$/m.exec(await launched.printed('Ctrl-C stops')) ?? [];
  const api = new AgentApi(url);
  const haiku = await api.run({ message: 'Write one.', thread_id: 'pond' }, { agentName: 'HaikuAgent' });
  const events = JSON.parse((await api.callbacks('GET', 'pond', 'HaikuAgent')).text) as {
    readonly event_type: string;
  }[];
  await api.ask('pond', 'Hello');

  expect(JSON.parse(haiku.text)).toMatchObject({ status: 'success', response: 'An old silent pond' });
  expect(events.map(({ event_type: type }) => type)).toEqual(['stream', 'stream', 'final']);
  await launched.printed(/\[HaikuAgent\]\[[0-9a-f]{32}\] 9 tokens, 9 since the start/);
  await launched.printed(/\[CallbackAgent\]\[[0-9a-f]{32}\] 9 tokens, 18 since the start/);
});
