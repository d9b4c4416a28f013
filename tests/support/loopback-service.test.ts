import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { TableClient } from '@azure/data-tables';
import { describe, expect, it, onTestFinished } from 'vitest';
import { probeHttp } from '../../local/probe-http.js';
import { startAzuriteTableServer } from './azurite-table-server.js';
import { listenForTest } from './listen-for-test.js';
import { startLoopbackService, type ServiceProgram } from './loopback-service.js';

const folders: string[] = [];

/** Answers its process id. `choosePort` may send the program to another port than it was given. */
function pidServer(choosePort = (port: number): number => port): ServiceProgram {
  const script = `require('node:http')
    .createServer((_request, response) => response.end(String(process.pid)))
    .listen(Number(process.argv[1]), '127.0.0.1', () => console.log('listening now'));`;
  return {
    name: 'pid-server',
    command: (port, folder) => {
      folders.push(folder);
      const commandArguments = ['-e', script, String(choosePort(port))];
      return { command: process.execPath, commandArguments, environment: process.env };
    },
    readyLine: /^listening now$/,
  };
}

const ask = async (port: number): Promise<string | undefined> => (await probeHttp(`http://127.0.0.1:${port}/`))?.body;

describe('A service on loopback', () => {
  it('answers from its start to its stop, and again on the same port after another start', async () => {
    const service = await startLoopbackService(pidServer());
    onTestFinished(() => service.close());
    const first = await ask(service.port);
    expect(first).toMatch(/^\d+$/);
    await service.stop();
    expect(await ask(service.port)).toBeUndefined();
    await service.start();
    expect(await ask(service.port)).not.toBe(first);
  });

  it('leaves neither program nor folder when it is closed', async () => {
    const service = await startLoopbackService(pidServer());
    const folder = folders.at(-1) ?? '';
    expect(existsSync(folder)).toBe(true);
    await service.close();
    expect(await ask(service.port)).toBeUndefined();
    expect(existsSync(folder)).toBe(false);
  });

  it('takes another port when somebody was faster', async () => {
    const other = createServer((_request, response) => response.end('somebody else'));
    const takenPort = Number(new URL(await listenForTest(other)).port);
    const ports: number[] = [];
    const service = await startLoopbackService(pidServer((port) => (ports.push(port) === 1 ? takenPort : port)));
    onTestFinished(() => service.close());
    expect(ports).toHaveLength(2);
    expect(service.port).toBe(ports[1]);
    expect(await ask(service.port)).toMatch(/^\d+$/);
  });

  it('that does not come up is reported with what it printed', async () => {
    const program: ServiceProgram = {
      ...pidServer(),
      command: () => ({
        command: process.execPath,
        commandArguments: ['-e', 'console.log("no disk"); process.exit(3)'],
        environment: process.env,
      }),
    };
    await expect(startLoopbackService(program)).rejects.toThrow('pid-server exited with code 3.\nno disk');
  });
});

describe('Azurite made fit for deep partitions', () => {
  it('tells rows apart by both of their keys', async () => {
    const azurite = await startAzuriteTableServer({ isDeep: true });
    onTestFinished(() => azurite.close());
    const table = TableClient.fromConnectionString(azurite.connectionString, 'rows', { allowInsecureConnection: true });
    await table.createTable();
    for (const partitionKey of ['a', 'b']) await table.createEntity({ partitionKey, rowKey: 'head', of: partitionKey });
    expect(await table.getEntity('a', 'head')).toMatchObject({ of: 'a' });
    expect(await table.getEntity('b', 'head')).toMatchObject({ of: 'b' });
    await expect(table.getEntity('c', 'head')).rejects.toMatchObject({ statusCode: 404 });
    await expect(table.createEntity({ partitionKey: 'a', rowKey: 'head' })).rejects.toMatchObject({ statusCode: 409 });
  });
});
