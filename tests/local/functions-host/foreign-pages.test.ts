import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyCors, type CorsOptions } from '../../../local/functions-host/cors.js';
import { answer, startServer, type LoopbackServer } from '../../../local/functions-host/http-server.js';
import { exchange } from '../../support/http-exchange.js';

const page = 'http://page.example';
const other = 'http://other.example';

function startFor(cors: CorsOptions | undefined): Promise<LoopbackServer> {
  return startServer({
    port: 0,
    handle: async (request, response) => {
      if (!applyCors(request, response, cors)) answer(response, 200);
    },
    onError: (error) => expect.fail(String(error)),
    cors,
  });
}

describe('the server of the host, without CORS', () => {
  let server: LoopbackServer;
  beforeAll(async () => {
    server = await startFor(undefined);
  });
  afterAll(async () => server.close());

  const status = async (method: string, headers: Readonly<Record<string, string>>): Promise<number> =>
    (await exchange(`http://127.0.0.1:${server.port}`, { method, path: '/', headers })).status;
  const own = (): string => `localhost:${server.port}`;

  it.each(['localhost', 'LocalHost:80', '127.0.0.1:7071', '127.8.9.10', '[::1]:7071'])(
    'accepts the loopback host name %s',
    async (host) => {
      expect(await status('GET', { host })).toBe(200);
    },
  );

  it.each([
    'rebound.example',
    'rebound.example:7071',
    'localhost.rebound.example',
    '127.0.0.1.rebound.example',
    'notlocalhost',
    '192.168.1.2:7071',
    '0.0.0.0:7071',
    '[::2]',
    '127.0.0.999',
    'localhost:99999',
  ])('rejects the host name %s for reads and writes', async (host) => {
    expect(
      await Promise.all(['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS'].map((method) => status(method, { host }))),
    ).toEqual([403, 403, 403, 403, 403]);
  });

  it('explains why it rejects a request', async () => {
    const { text } = await exchange(`http://127.0.0.1:${server.port}`, {
      method: 'POST',
      path: '/',
      headers: { host: own(), origin: page, 'content-length': '0' },
    });
    expect(JSON.parse(text)).toEqual({ error: expect.stringContaining(`${page} may not call this app`) });
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('rejects %s from pages of other origins', async (method) => {
    const origins = [page, 'null', 'http://localhost:1', `https://${own()}`, `http://${own()}.rebound.example`];
    expect(await Promise.all(origins.map((origin) => status(method, { host: own(), origin })))).toEqual(
      origins.map(() => 403),
    );
    expect(await status(method, { host: own(), 'sec-fetch-site': 'cross-site' })).toBe(403);
  });

  it.each(['POST', 'DELETE'])('accepts %s from its own pages under any loopback name', async (method) => {
    for (const name of ['localhost', '127.0.0.1', '[::1]']) {
      expect(await status(method, { host: own(), origin: `http://${name}:${server.port}` })).toBe(200);
    }
    expect(await status(method, { host: own(), 'sec-fetch-site': 'same-origin' })).toBe(200);
    expect(await status(method, { host: own(), 'sec-fetch-site': 'none' })).toBe(200);
  });

  it('accepts programs, which send no origin', async () => {
    expect(await status('POST', { host: own(), 'content-length': '0' })).toBe(200);
  });

  it('answers reads from other pages, which the browser hides from them', async () => {
    expect(await status('GET', { host: own(), origin: page, 'sec-fetch-site': 'cross-site' })).toBe(200);
  });
});

describe('the server of the host, with CORS', () => {
  it('accepts the listed origins', async () => {
    expect(await statuses({ origins: [page], credentials: true }, [page, other])).toEqual([200, 403]);
  });

  it('accepts all origins if * is listed', async () => {
    expect(await statuses({ origins: ['*'], credentials: false }, [page, other, 'null'])).toEqual([200, 200, 200]);
  });

  it('answers preflight requests', async () => {
    expect(await statuses({ origins: [page], credentials: false }, [page, other], 'OPTIONS')).toEqual([204, 204]);
  });
});

/** Sends a request for each of these origins to a server with these settings. */
async function statuses(cors: CorsOptions, origins: readonly string[], method = 'POST'): Promise<number[]> {
  const server = await startFor(cors);
  const answers = await Promise.all(
    origins.map((origin) =>
      exchange(`http://127.0.0.1:${server.port}`, {
        method,
        path: '/',
        headers: {
          host: `localhost:${server.port}`,
          origin,
          'sec-fetch-site': 'cross-site',
          ...(method === 'OPTIONS' && { 'access-control-request-method': 'POST' }),
        },
      }),
    ),
  );
  await server.close();
  return answers.map(({ status }) => status);
}
