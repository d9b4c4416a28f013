import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runSmokeTest } from '../../../local/smoke/run-smoke-test.js';
import { parseSmokeOptions } from '../../../local/smoke/smoke-options.js';
import { type AppWithModel, startAppWithModel } from '../../support/app-with-model.js';
import { echoed } from '../../support/echoed.js';
import { listenForTest } from '../../support/listen-for-test.js';
import { launchApp } from '../support/launched.js';

describe('npm run smoke', () => {
  let running: AppWithModel;

  beforeAll(async () => {
    running = await startAppWithModel(echoed);
  });
  afterAll(() => running.stop());

  it('passes against a working app, one line for each check', async () => {
    const smoke = launchApp([running.app.baseUrl], {}, 'smoke');
    expect(await smoke.ended).toBe(0);
    expect(smoke.output().trim().split('\n')).toEqual([
      'ok  health: CallbackAgent, WeatherAgent, MathAgent, RefundAgent',
      expect.stringMatching(/^ok {2}run: \d+ characters$/),
      expect.stringMatching(/^ok {2}stream: \d+ events$/),
      expect.stringMatching(/^ok {2}events: \d+ of 2 runs$/),
      'ok  reset: events deleted',
      expect.stringMatching(/^ok {2}cancel: the run is (cancelled|completed)$/),
      'ok  delete: the thread is gone',
    ]);
  });

  it('fails for an agent that the app does not have', async () => {
    const smoke = launchApp([running.app.baseUrl, '--agent', 'Nobody'], {}, 'smoke');
    expect(await smoke.ended).toBe(1);
    expect(smoke.output()).toBe('health: the app has no agent Nobody.\n');
  });

  it('sends the function key, and shows the answer of the app if a check fails', async () => {
    const keys: (string | string[] | undefined)[] = [];
    const server = createServer((request, response) => {
      keys.push(request.headers['x-functions-key']);
      const isHealth = request.url === '/api/health';
      response.writeHead(isHealth ? 200 : 502, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify(isHealth ? { status: 'healthy', agents: [{ name: 'CallbackAgent' }] } : { error: 'no model' }),
      );
    });
    const base = await listenForTest(server);
    const { signal } = new AbortController();
    const testing = runSmokeTest({ base, key: 'k3y', agentName: 'CallbackAgent', signal, report: () => {} });
    await expect(testing).rejects.toThrow('run: the app responded 502 {"error":"no model"}');
    expect(keys).toEqual(['k3y', 'k3y']);
  });

  it('gives up if the app does not become healthy in time', async () => {
    const base = await listenForTest(createServer((_request, response) => response.writeHead(503).end('starting')));
    const { signal } = new AbortController();
    const options = { base, key: undefined, agentName: 'CallbackAgent', signal, report: () => {}, startupMs: 0 };
    await expect(runSmokeTest(options)).rejects.toThrow('health: the app responded 503 starting');
  });

  it.each([
    [['https://app.example/api/', 'k'], {}, 'https://app.example', 'k'],
    [['http://localhost:7071'], { FUNCTION_KEY: 'from-environment' }, 'http://localhost:7071', 'from-environment'],
    [['http://localhost:7071'], {}, 'http://localhost:7071', undefined],
  ])('reads the arguments %j with the environment %j', (commandLine, environment, base, key) => {
    expect(parseSmokeOptions(commandLine, environment)).toEqual({
      help: false,
      base,
      key,
      agentName: 'CallbackAgent',
    });
  });

  it.each([
    [[], 'URL must be the http or https address of the app'],
    [['localhost:7071'], 'URL must be the http or https address of the app'],
    [['http://localhost', 'a b'], 'KEY must be a function key'],
  ])('rejects the arguments %j', (commandLine, problem) => {
    expect(() => parseSmokeOptions(commandLine, {})).toThrow(
      expect.objectContaining({ message: expect.stringContaining(problem), exitCode: 2 }),
    );
  });
});
