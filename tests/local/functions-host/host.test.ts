import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readHostSettings, type HostSettings } from '../../../local/functions-host/host-settings.js';
import { startLocalFunctionsHost } from '../../../local/functions-host/index.js';
import { fixtureFolder, startHostProcess, type HostProcess } from './support/host-process.js';
import { exchange, exchangeInTurn } from './support/raw-http.js';

const durablePath = '/runtime/webhooks/durabletask';
const moduleEnvironment = { MODULE_APP_HUB: 'Modules' };

describe('an app of ES modules in several files, keys on', () => {
  let host: HostProcess;
  let url: string;
  beforeAll(async () => {
    host = await startHostProcess(fixtureFolder('module-app'), { keys: true, environment: moduleEnvironment });
    url = `http://localhost:${host.port}`;
  });
  afterAll(async () => host.end());

  test('lists what it serves, and why it does not serve the rest', () => {
    const byName = Object.fromEntries(host.functions.map(({ name, ...rest }) => [name, rest]));
    expect(byName['byNumber']).toEqual({ kind: 'http', detail: 'GET,POST /v1/things/{id:int:min(2)?}' });
    expect(byName['withoutRoute']).toEqual({ kind: 'http', detail: 'GET,POST /v1/withoutRoute' });
    expect(byName['recorder']).toEqual({ kind: 'entity', detail: 'entity recorder' });
    expect(byName['tick']).toEqual({
      kind: 'timer',
      detail: 'timer 0 * * * * *, run only by POST /admin/functions/tick',
    });
    expect(byName['flow']?.kind).toBe('not served');
    expect(byName['badRoute']).toEqual({ kind: 'not served', detail: 'Unknown route constraint "nosuch".' });
  });

  test.each([
    ['/v1/things/new', { by: 'literal' }],
    ['/v1/things/7', { by: 'number', params: { id: '7' } }],
    ['/v1/things/1', { by: 'name', params: { name: '1' } }],
    ['/v1/things/x', { by: 'name', params: { name: 'x' } }],
    ['/v1/things', { by: 'number', params: {} }],
    ['/v1/things/x/y', { by: 'rest', params: { rest: 'x/y' } }],
  ])('%s is routed to the most specific route', async (path, expected) => {
    expect(await (await fetch(url + path)).json()).toEqual(expected);
  });

  test('each key grants access to its level', async () => {
    const status = async (path: string, key: string | undefined): Promise<number> =>
      (await fetch(url + path, { headers: key === undefined ? {} : { 'x-functions-key': key } })).status;
    const { function: functionKey, master, system } = host.keys ?? { function: '', master: '', system: '' };
    expect(await status('/v1/key', undefined)).toBe(401);
    expect(await status('/v1/key', 'wrong')).toBe(401);
    expect(await status('/v1/key', system)).toBe(401);
    expect(await status('/v1/key', functionKey)).toBe(200);
    expect(await status('/v1/key', master)).toBe(200);
    expect(await status('/v1/master', functionKey)).toBe(401);
    expect(await status('/v1/master', master)).toBe(200);
    expect(await status(`${durablePath}/entities`, functionKey)).toBe(401);
    expect(await status(`${durablePath}/entities`, system)).toBe(200);
    expect((await fetch(`${url}/v1/key?code=${functionKey}`)).status).toBe(200);
  });

  test('cookies of a buffered response are formatted like those of the real host', async () => {
    const { headers } = await fetch(`${url}/v1/cookies`);
    expect(headers.getSetCookie()).toEqual([
      'plain=a%20b; path=/',
      'full=1; max-age=5; domain=localhost; path=/x; secure; samesite=lax; httponly',
    ]);
  });

  test('logs of functions are filtered by the level in host.json, and a function knows the address of its host', async () => {
    expect(await (await fetch(`${url}/v1/log`)).text()).toBe(`localhost:${host.port}`);
    await host.until(() => host.log.some(({ message }) => message === 'said at warning'));
    expect(
      host.log.filter(({ message }) => message.startsWith('said')).map(({ message, level }) => [message, level]),
    ).toEqual([
      ['said at information', 'information'],
      ['said at warning', 'warning'],
    ]);
    expect(host.log.at(-1)).toMatchObject({ category: 'Function.log.User', functionName: 'log' });
  });

  test('hooks see each invocation and can change its result', async () => {
    expect(await (await fetch(`${url}/v1/withoutRoute`)).text()).toBe('changed by a hook');
  });

  test('a timer function runs on request, in the background', async () => {
    for (const name of ['tick', 'TICK']) {
      const before = ticks().length;
      const response = await runByHand(name, '{"input":""}');
      expect([response.status, await response.text()]).toEqual([202, '']);
      await host.until(() => ticks().length > before);
    }
    const timer = { schedule: { adjustForDST: true }, scheduleStatus: null, isPastDue: false };
    expect(ticks()).toEqual([`tick ${JSON.stringify(timer)}`, `tick ${JSON.stringify(timer)}`]);
  });

  test.each([
    ['an unknown function', 'nosuch', '{}', 404, ''],
    ['a body that is not JSON', 'tick', '{', 400, 'The body must be a JSON object'],
    ['a body that is not an object', 'tick', '"x"', 400, 'The body must be a JSON object'],
    ['an HTTP function', 'byName', '{}', 501, 'byName: GET,POST /v1/things/{name}'],
    ['an entity', 'recorder', '{}', 501, 'recorder: entity recorder'],
    ['a function that is not served', 'flow', '{}', 501, 'flow: orchestrationTrigger'],
  ])('a manual invocation is rejected for %s', async (_what, name, body, status, message) => {
    const response = await runByHand(name, body);
    expect(response.status).toBe(status);
    expect(await response.text()).toContain(message);
  });

  test('a manual invocation requires JSON and the master key', async () => {
    expect((await runByHand('tick', '{}', { 'Content-Type': 'text/plain' })).status).toBe(415);
    for (const key of ['', host.keys?.function ?? '', host.keys?.system ?? '']) {
      expect((await runByHand('tick', '{}', { 'x-functions-key': key })).status).toBe(401);
    }
  });

  test('orchestrations answer 501 with the reason', async () => {
    for (const path of ['orchestrators/flow', 'instances/1', 'instances/1/raiseEvent/x']) {
      const response = await fetch(`${url}${durablePath}/${path}?code=${host.keys?.system}`, { method: 'POST' });
      expect(response.status).toBe(501);
      expect(await response.json()).toEqual({ Message: expect.stringContaining('not orchestrations') });
    }
  });

  test('operations of one entity run in sequence and in batches, those of several entities concurrently', async () => {
    const keys = Array.from({ length: 5 }, (_value, index) => `key-${index}`);
    const signals = keys.flatMap((key) => [1, 2, 3, 4, 5].map((input) => signal(key, 'note', input)));
    await Promise.all(signals);
    for (const key of keys) {
      await expect.poll(async () => new Set(await readState(key))).toEqual(new Set([1, 2, 3, 4, 5]));
    }
    const { mostAtOnce, batches } = (await (await fetch(`${url}/v1/concurrency`)).json()) as {
      mostAtOnce: number;
      batches: number[];
    };
    expect(mostAtOnce).toBeGreaterThan(1);
    expect(Math.max(...batches)).toBe(2);
  });

  test('an entity can signal another one', async () => {
    await signal('sender', 'forward', 'receiver');
    await expect.poll(async () => readState('receiver')).toEqual(['forwarded']);
  });

  test('a long list of entities is paged', async () => {
    await Promise.all(['page-1', 'page-2', 'page-3'].map((key) => signal(key, 'note', 1)));
    await expect.poll(async () => readState('page-3')).toEqual([1]);
    const keys: string[] = [];
    let token: string | null = '';
    while (token !== null) {
      const listUrl = `${url}${durablePath}/entities/RECORDER?top=2&code=${host.keys?.system}`;
      const response: Response = await fetch(listUrl, { headers: { 'x-ms-continuation-token': token } });
      const page = (await response.json()) as { entityId: { key: string } }[];
      expect(page.length).toBeLessThanOrEqual(2);
      keys.push(...page.map(({ entityId }) => entityId.key));
      token = response.headers.get('x-ms-continuation-token');
    }
    expect(keys).toEqual(keys.toSorted());
    expect(keys).toEqual(expect.arrayContaining(['page-1', 'page-2', 'page-3']));
  });

  function ticks(): string[] {
    return host.log.map(({ message }) => message).filter((message) => message.startsWith('tick '));
  }

  async function runByHand(name: string, body: string, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${url}/admin/functions/${name}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'x-functions-key': host.keys?.master ?? '', ...headers },
      body,
    });
  }

  async function signal(key: string, operation: string, input: unknown): Promise<void> {
    const response = await fetch(
      `${url}${durablePath}/entities/recorder/${key}?op=${operation}&code=${host.keys?.system}`,
      {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(input),
      },
    );
    expect(response.status).toBe(202);
  }

  async function readState(key: string): Promise<unknown[]> {
    const response = await fetch(`${url}${durablePath}/entities/recorder/${key}?code=${host.keys?.system}`);
    return response.ok ? ((await response.json()) as unknown[]) : [];
  }
});

describe('the streaming app', () => {
  let host: HostProcess;
  beforeAll(async () => {
    host = await startHostProcess(fixtureFolder('app'), { environment: { RECORD_STREAM: '1' } });
  });
  afterAll(async () => host.end());

  test('serves every function without keys', async () => {
    expect((await fetch(`http://localhost:${host.port}/api/protected`)).status).toBe(200);
  });

  test('survives clients that disconnect during request or response', async () => {
    const answering = connect(host.port, '127.0.0.1');
    answering.write('GET /api/sse?n=20&ms=20 HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(answering, 'data');
    answering.destroy();
    const asking = connect(host.port, '127.0.0.1');
    asking.write('POST /api/echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
    await once(asking, 'connect');
    asking.destroy();
    const declaring = connect(host.port, '127.0.0.1');
    declaring.write('POST /api/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\nhello');
    await once(declaring, 'connect');
    declaring.destroy();
    expect((await fetch(`http://localhost:${host.port}/api/sse?n=25&ms=20`)).status).toBe(200);
    expect(await (await fetch(`http://localhost:${host.port}/api/hello`)).text()).toContain('hello');
  });

  test('answers 431 if there are too many headers for the proxy of the library', async () => {
    const headers = { 'X-Big': 'z'.repeat(20_000) };
    expect((await fetch(`http://localhost:${host.port}/api/hello`, { headers })).status).toBe(431);
    expect((await fetch(`http://localhost:${host.port}/api/hello`)).status).toBe(200);
  });

  test('reports a client that will never get a response', async () => {
    const complaint = (): boolean =>
      host.log.some(
        ({ level, message }) => level === 'error' && message.includes('GET /api/undef sends its client NO RESPONSE'),
      );
    const answer = await exchange(
      host.port,
      { line: 'GET /api/undef HTTP/1.1', headers: { Host: 'localhost' } },
      host.until(complaint),
    );
    expect(answer).toBeUndefined();
  });
});

describe('a streaming function that does not read its whole body does not block others', () => {
  let host: HostProcess;
  beforeAll(async () => {
    host = await startHostProcess(fixtureFolder('refusing-app'));
  });
  afterAll(async () => host.end());

  const headers = { Host: 'localhost', 'Content-Type': 'application/octet-stream' };
  const hello = { line: 'GET /api/hello HTTP/1.1', headers: { ...headers, Connection: 'close' } };

  test.each(
    ['beginning', 'nothing'].flatMap((part) =>
      [1, 20].flatMap((megabytes) => ['declared', 'chunked'].map((kind) => [part, megabytes, kind] as const)),
    ),
  )('if it reads the %s of %i MB, %s', async (part, megabytes, kind) => {
    const text = 'x'.repeat(megabytes * 1e6);
    const refused = {
      line: `POST /api/${part} HTTP/1.1`,
      ...(kind === 'declared'
        ? { headers: { ...headers, 'Content-Length': text.length }, body: text }
        : {
            headers: { ...headers, 'Transfer-Encoding': 'chunked' },
            body: `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`,
          }),
    };
    expect(await exchangeInTurn(host.port, [refused, hello])).toEqual([
      'HTTP/1.1 413 Payload Too Large',
      'HTTP/1.1 200 OK',
    ]);
    expect((await exchange(host.port, hello))?.statusLine).toBe('HTTP/1.1 200 OK');
  });
});

test('shutdown lets the running operation finish, runs the hooks of the app, and reports dropped operations', async () => {
  const host = await startHostProcess(fixtureFolder('module-app'), { environment: moduleEnvironment });
  const target = `http://localhost:${host.port}${durablePath}/entities/recorder/last`;
  await fetch(`${target}?op=holdUntilEnd`, { method: 'POST' });
  await host.until(() => host.log.some(({ message }) => message === 'holding until the end'));
  await Promise.all(Array.from({ length: 3 }, async () => fetch(`${target}?op=note`, { method: 'POST' })));
  await host.end();
  expect(host.log.map(({ message }) => message)).toEqual(
    expect.arrayContaining([expect.stringContaining('of @recorder@last were still waiting'), 'terminated']),
  );
});

test('CORS headers follow the settings', async () => {
  const { applyCors } = await import('../../../local/functions-host/cors.js');
  const { readRequest } = await import('../../../local/functions-host/server-quirks.js');
  const server = createServer((message, response) => {
    const request = readRequest(message);
    if (typeof request === 'number') response.writeHead(request).end();
    else if (!applyCors(request, response, { origins: ['http://page.example'], credentials: true }))
      response.end('from the function');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  const ask = async (origin: string, init: RequestInit = {}): Promise<Response> =>
    fetch(url, { ...init, headers: { ...(init.headers as Record<string, string>), Origin: origin } });

  const allowed = await ask('http://page.example');
  expect(await allowed.text()).toBe('from the function');
  expect(Object.fromEntries(allowed.headers)).toMatchObject({
    'access-control-allow-origin': 'http://page.example',
    'access-control-allow-credentials': 'true',
    vary: 'Origin',
  });
  expect((await ask('http://other.example')).headers.get('access-control-allow-origin')).toBeNull();
  const preflight = await ask('http://page.example', {
    method: 'OPTIONS',
    headers: { 'Access-Control-Request-Method': 'PUT', 'Access-Control-Request-Headers': 'content-type' },
  });
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get('access-control-allow-methods')).toBe('PUT');
  expect(preflight.headers.get('access-control-allow-headers')).toBe('content-type');
  server.close();
});

describe('a host that cannot start reports', () => {
  test("a port in use with the server's own error", async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await expect(startLocalFunctionsHost({ appFolder: fixtureFolder('app'), port, log: ignore })).rejects.toMatchObject(
      {
        code: 'EADDRINUSE',
      },
    );
    server.close();
  });

  test("an app that fails to load with the app's own error", async () => {
    await expect(startHostProcess(fixtureFolder('failing-app'))).rejects.toThrow('this app cannot be loaded');
  });

  test('a variable in host.json that is not set', async () => {
    await expect(
      startLocalFunctionsHost({ appFolder: fixtureFolder('module-app'), port: 0, log: ignore }),
    ).rejects.toThrow(/host\.json is invalid: .*MODULE_APP_HUB, which is not set/);
  });
});

describe('settings of host.json', () => {
  test('are those of the file', async () => {
    expect(await readKeptApp({})).toMatchObject({
      hubName: 'Kept',
      maxEntityOperationBatchSize: 3,
      routePrefix: 'api',
    });
  });

  test('can be overridden by the environment, as on a real host, without regard to case', async () => {
    const overridden = await readKeptApp({
      AzureFunctionsJobHost__extensions__durableTask__hubName: 'Mine',
      AZUREFUNCTIONSJOBHOST__EXTENSIONS__DURABLETASK__MAXENTITYOPERATIONBATCHSIZE: '2',
      AzureFunctionsJobHost__extensions__http__routePrefix: 'v2',
    });
    expect(overridden).toMatchObject({ hubName: 'Mine', maxEntityOperationBatchSize: 2, routePrefix: 'v2' });
  });

  test('are rejected by name if an override is invalid', async () => {
    const override = { AzureFunctionsJobHost__extensions__durableTask__maxEntityOperationBatchSize: 'many' };
    await expect(readKeptApp(override)).rejects.toThrow(/host\.json is invalid: .*\n.*maxEntityOperationBatchSize/);
  });
});

function readKeptApp(environment: NodeJS.ProcessEnv): Promise<HostSettings> {
  return readHostSettings(fixtureFolder('kept-app'), environment);
}

function ignore(): void {}
