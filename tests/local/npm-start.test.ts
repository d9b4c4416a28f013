import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { listenForTest } from '../support/listen-for-test.js';

const PROGRAM = path.resolve(__dirname, '../../local/npm-start.mjs');

/** Runs the script of `npm start`, for cases in which it exits before it compiles. */
function npmStart(
  commandLine: readonly string[],
  environment: NodeJS.ProcessEnv = {},
  nodeOptions: readonly string[] = [],
) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...nodeOptions, PROGRAM, ...commandLine], {
    env: { ...environment },
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

describe('npm start, before it compiles', () => {
  it('reports a port in use', async () => {
    const { port } = new URL(await listenForTest(createServer()));
    for (const commandLine of [
      ['--port', port],
      [`--port=${port}`, '--ephemeral'],
    ]) {
      expect(npmStart(commandLine)).toEqual({
        status: 1,
        stdout: '',
        stderr: expect.stringMatching(new RegExp(`^Port ${port} is in use\\. .*--port 0.*\\n$`)),
      });
    }
  });

  it('explains how to pass options that npm consumed', () => {
    const environment = { npm_lifecycle_event: 'start', npm_config_port: '1', npm_config_keys: 'true' };
    expect(npmStart([], environment)).toEqual({
      status: 2,
      stdout: '',
      stderr: 'npm took --port and --keys as its own options. Use npm start -- --port 1 --keys\n',
    });
  });

  it('reports an old Node version in one line', () => {
    const oldNode = 'data:text/javascript,Object.defineProperty(process.versions,"node",{value:"20.18.1"})';
    expect(npmStart([], {}, ['--import', oldNode])).toEqual({
      status: 1,
      stdout: '',
      stderr: 'Node 20.18.1 is too old: this app needs Node 20.19 or later.\n',
    });
  });
});
