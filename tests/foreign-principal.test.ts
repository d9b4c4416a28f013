import { HttpRequest } from '@azure/functions';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type DurableTaskServer, startDurableTaskServer } from './support/durable-task-server.js';
import { httpAnswer } from './support/http-answer.js';
import { principalHeader } from './support/principal-header.js';
import { type RegisteredRoute, registeredRoutes } from './support/registered-routes.js';

/** The routes that name no thread, and why they need no owner. */
const WITHOUT_THREAD: Readonly<Record<string, string>> = {
  health_check: 'the names of the agents',
  openapi: 'the routes',
  dashboard: 'a page without data',
  dashboard_asset: 'a page without data',
  list_threads: 'the own threads',
  get_stats: 'the runs of the own threads',
};

const SECRET = 'What only Ann may read';

let routes: readonly RegisteredRoute[];
let host: DurableTaskServer;

/** Calls a route as this user. */
async function call({ handler }: RegisteredRoute, user: string, method: string, body?: unknown) {
  const request = new HttpRequest({
    method,
    url: 'http://localhost:7071/api/any',
    headers: {
      host: 'localhost:7071',
      'content-type': 'application/json',
      'x-ms-client-principal': principalHeader([['sub', user]]),
    },
    params: {
      agentName: 'CallbackAgent',
      thread_id: 'thread-1',
      correlation_id: '0'.repeat(32),
      approval_id: '0'.repeat(32),
    },
    ...(body !== undefined && { body: { string: JSON.stringify(body) } }),
  });
  return httpAnswer(handler, request, host.context);
}

function routeOf(name: string): RegisteredRoute {
  const route = routes.find((candidate) => candidate.name === name);
  if (route === undefined) throw new Error(`${name} is not registered`);
  return route;
}

const runBody = { message: SECRET, thread_id: 'thread-1', wait_for_response: false };

beforeAll(async () => {
  routes = await registeredRoutes();
});

beforeEach(async () => {
  host = await startDurableTaskServer(() => undefined);
  await call(routeOf('http-CallbackAgent'), 'ann', 'POST', runBody);
});

describe('a user who does not own a thread', () => {
  it('gets a 404 from every route that names a thread', async () => {
    const ofThreads = routes.filter(({ route }) => route?.includes('{thread_id}'));
    expect(ofThreads.length).toBeGreaterThan(6);
    for (const route of ofThreads) {
      for (const method of route.methods ?? []) {
        const { status, text } = await call(route, 'bob', method, method === 'POST' ? {} : undefined);
        expect({ name: route.name, status, text }).toEqual({
          name: route.name,
          status: 404,
          text: '{"error":"There is no conversation with this thread_id."}',
        });
      }
    }
  });

  it('cannot run an agent in it', async () => {
    expect(await call(routeOf('http-CallbackAgent'), 'bob', 'POST', runBody)).toMatchObject({ status: 404 });
    expect(host.signals).toHaveLength(1);
  });

  it('does not see it in the list', async () => {
    const { status, text } = await call(routeOf('list_threads'), 'bob', 'GET');
    expect([status, text]).toEqual([200, '[]']);
  });

  it('can reach no route that this test does not list', () => {
    const others = routes.filter(({ route }) => !route?.includes('{thread_id}')).map(({ name }) => name);
    // The run route of an agent takes the thread from the body.
    const unknown = others.filter((name) => WITHOUT_THREAD[name] === undefined && !name.startsWith('http-'));
    expect(unknown).toEqual([]);
  });
});

describe('a request without a user', () => {
  it('is rejected by every thread and agent route', async () => {
    const guarded = routes.filter(({ route }) => route?.startsWith('agents/'));
    for (const route of guarded) {
      const { status } = await call(route, '', route.methods?.[0] ?? 'GET', runBody);
      expect({ name: route.name, status }).toEqual({ name: route.name, status: 403 });
    }
  });
});
