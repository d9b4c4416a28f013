import { once } from 'node:events';
import { createServer } from 'node:http';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isAzuriteRunning, isDevelopmentStorage, startAzurite, type AzuritePorts } from '../../local/azurite.js';
import { findFreePort } from '../../local/loopback-port.js';
import type { RunningProgram } from '../../local/running-program.js';
import { makeFolder } from './support/folders.js';

async function freePorts(): Promise<AzuritePorts> {
  return { blob: await findFreePort(0), queue: await findFreePort(0), table: await findFreePort(0) };
}

describe('Azurite', () => {
  it.each([
    ['UseDevelopmentStorage=true', true],
    ['usedevelopmentstorage=true;', true],
    ['UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://elsewhere', false],
    ['DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=x', false],
    ['', false],
  ])('is the target of the storage setting "%s": %s', (setting, expected) => {
    expect(isDevelopmentStorage(setting)).toBe(expected);
  });

  it('starts on loopback with its data in a folder, is recognized, and stops', async () => {
    const folder = path.join(await makeFolder(), '.azurite');
    const ports = await freePorts();
    expect(await isAzuriteRunning(ports)).toBe(false);

    const started: RunningProgram[] = [];
    await startAzurite({ folder, ports, onStarted: (azurite) => started.push(azurite) });
    expect(await isAzuriteRunning(ports)).toBe(true);

    await started[0]?.end();
    expect(await isAzuriteRunning(ports)).toBe(false);
  });

  it('is not confused with another program on its ports', async () => {
    const ports = await freePorts();
    const other = createServer((_request, response) => response.end('something else')).listen(ports.queue, '127.0.0.1');
    onTestFinished(() => void other.close());
    await once(other, 'listening');
    await expect(isAzuriteRunning(ports)).rejects.toThrow(
      `${ports.blob} (blob) is free, ${ports.queue} (queue) is used by something else, ${ports.table} (table) is free`,
    );
  });

  it('is reported with its output and a remedy if it cannot start', async () => {
    const ports = await freePorts();
    const other = createServer((_request, response) => response.end('something else')).listen(ports.blob, '127.0.0.1');
    onTestFinished(() => void other.close());
    await once(other, 'listening');
    const start = startAzurite({ folder: await makeFolder(), ports, onStarted: () => {} });
    await expect(start).rejects.toThrow(/Azurite exited with code 1[\s\S]*EADDRINUSE[\s\S]*--host local/);
  });
});
