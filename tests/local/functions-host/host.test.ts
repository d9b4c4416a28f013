import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fixtureFolder, startHostProcess, type HostProcess } from './support/host-process.js';

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
