import { once } from 'node:events';
import { createServer } from 'node:http';
import { describe, expect, test } from 'vitest';
import { readHostSettings, type HostSettings } from '../../../local/functions-host/host-settings.js';
import { fixtureFolder } from './support/host-process.js';

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
