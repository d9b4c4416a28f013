import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { TableClient } from '@azure/data-tables';
import { describe, expect, it, onTestFinished } from 'vitest';
import { probeHttp } from '../../local/probe-http.js';
import { openTableAccount } from './azurite-table-server.js';
import { listenForTest } from './listen-for-test.js';
import { startLoopbackService, type ServiceProgram } from './loopback-service.js';

const folders: string[] = [];

/** Serves its process id. `choosePort` may replace the port of the program. */
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

describe('a loopback service', () => {
  it('serves from start to stop, and on the same port after a restart', async () => {
    const service = await startLoopbackService(pidServer());
    onTestFinished(() => service.close());
    const first = await ask(service.port);
    expect(first).toMatch(/^\d+$/);
    await service.stop();
    expect(await ask(service.port)).toBeUndefined();
    await service.start();
    expect(await ask(service.port)).not.toBe(first);
  });

  it('leaves neither process nor folder after it is closed', async () => {
    const service = await startLoopbackService(pidServer());
    const folder = folders.at(-1) ?? '';
    expect(existsSync(folder)).toBe(true);
    await service.close();
    expect(await ask(service.port)).toBeUndefined();
    expect(existsSync(folder)).toBe(false);
  });

  it('uses another port if its own was taken meanwhile', async () => {
    const other = createServer((_request, response) => response.end('somebody else'));
    const takenPort = Number(new URL(await listenForTest(other)).port);
    const ports: number[] = [];
    const service = await startLoopbackService(pidServer((port) => (ports.push(port) === 1 ? takenPort : port)));
    onTestFinished(() => service.close());
    expect(ports).toHaveLength(2);
    expect(service.port).toBe(ports[1]);
    expect(await ask(service.port)).toMatch(/^\d+$/);
  });

  it('that fails to start is reported with its output', async () => {
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

describe('Azurite with a row index for large partitions', () => {
  it('separates rows by both keys', async () => {
    const { connectionString } = await openTableAccount();
    const table = TableClient.fromConnectionString(connectionString, 'rows', { allowInsecureConnection: true });
    await table.createTable();
    for (const partitionKey of ['a', 'b']) await table.createEntity({ partitionKey, rowKey: 'head', of: partitionKey });
    expect(await table.getEntity('a', 'head')).toMatchObject({ of: 'a' });
    expect(await table.getEntity('b', 'head')).toMatchObject({ of: 'b' });
    await expect(table.getEntity('c', 'head')).rejects.toMatchObject({ statusCode: 404 });
    await expect(table.createEntity({ partitionKey: 'a', rowKey: 'head' })).rejects.toMatchObject({ statusCode: 409 });
  });
});
