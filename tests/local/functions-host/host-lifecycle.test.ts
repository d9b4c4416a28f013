import { once } from 'node:events';
import { createServer } from 'node:http';
import { describe, expect, test } from 'vitest';
import { startLocalFunctionsHost } from '../../../local/functions-host/index.js';
import { fixtureFolder, startHostProcess } from './support/host-process.js';

const durablePath = '/runtime/webhooks/durabletask';
const moduleEnvironment = { MODULE_APP_HUB: 'Modules' };

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

function ignore(): void {}
