import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { findFreePort } from '../../../local/loopback-port.js';
import type { KeyValueStore, StoredValue } from '../../../src/storage/key-value-store.js';
import { type FaultProxy, startFaultProxy } from '../../support/fault-proxy.js';
import { isProgramMissing } from '../../support/is-program-missing.js';
import { startLoopbackService } from '../../support/loopback-service.js';
import { type AdminClient, openClientForTest, openRedisStoreForTest } from '../../support/open-redis-for-test.js';
import { createRecordingLog } from '../../support/recording-log.js';
import { isRedisMissing, type RedisServer, startRedisServer } from '../../support/redis-server.js';

const REDIS_SERVER = '/usr/bin/redis-server';
const OPENSSL = '/usr/bin/openssl';
const isOpensslMissing = isProgramMissing(OPENSSL);
const address = { partition: 'events|A|1', key: 'head' };

describe.skipIf(isRedisMissing)('the Redis connection (needs /usr/bin/redis-server)', () => {
  let redis: RedisServer;
  let proxy: FaultProxy;
  let admin: AdminClient;
  beforeAll(async () => {
    redis = await startRedisServer();
  });
  beforeEach(async () => {
    proxy = await startFaultProxy(redis.port);
    admin = await openClientForTest(redis.url);
    while ((await openedCount()) > 0) await delay(1);
    return () => proxy.close();
  });
  afterAll(() => redis.close());

  const openedCount = async () => (await admin.clientList()).length - 1;

  it('opens with the first command, and does not keep an idle process alive', async () => {
    const before = socketCount();
    const storage = await openRedisStoreForTest({ url: redis.url });
    expect(await openedCount()).toBe(0);
    await storage.ping();
    expect(await openedCount()).toBe(1);
    expect(socketCount()).toBe(before);
  });

  it('is shared by simultaneous commands', async () => {
    const storage = await openRedisStoreForTest({ url: redis.url });
    await Promise.all(Array.from({ length: 20 }, () => storage.ping()));
    expect(await openedCount()).toBe(1);
  });

  it('closes with the store after pending commands are answered', async () => {
    const storage = await openRedisStoreForTest({ url: redis.url });
    await storage.ping();
    const sent = storage.read(address);
    await delay(0);
    await storage.close();
    expect(await sent).toBeUndefined();
    while ((await openedCount()) > 0) await delay(1);
    await expect(storage.ping()).rejects.toThrow('The connection to Redis is closed.');
  });

  it('fails while the server is down, and reopens as soon as it is back', async () => {
    const storage = await openRedisStoreForTest({ url: redis.urlThrough(proxy.port) });
    await storage.ping();
    await proxy.setFault({ kind: 'refuse' });
    for (let attempt = 0; attempt < 5; attempt += 1) {
      await expect(storage.ping()).rejects.toThrow(/ECONNREFUSED|ECONNRESET|closed/);
    }
    await proxy.setFault({ kind: 'none' });
    await storage.ping();
  });

  it.each(['cut', 'reset'] as const)('reopens with the next command after it was %s while idle', async (how) => {
    const storage = await openRedisStoreForTest({ url: redis.urlThrough(proxy.port) });
    await storage.ping();
    proxy[how]();
    while ((await openedCount()) > 0) await delay(1);
    await expect(storage.ping()).resolves.toBeUndefined();
  });

  it('rejects commands whose responses were lost, with the reason', async () => {
    const storage = await openRedisStoreForTest({ url: redis.urlThrough(proxy.port) });
    await storage.ping();
    await proxy.setFault({ kind: 'lose-answers', count: 1 });
    const outcomes = await Promise.allSettled([storage.ping(), storage.read(address)]);
    expect(outcomes).toMatchObject([
      { status: 'rejected', reason: { code: 'ECONNRESET' } },
      { status: 'rejected', reason: { code: 'ECONNRESET' } },
    ]);
  });

  it('gives up on a server that accepts connections but never responds', async () => {
    await proxy.setFault({ kind: 'black-hole' });
    const storage = await openRedisStoreForTest({ url: redis.urlThrough(proxy.port) });
    await expect(storage.ping()).rejects.toThrow(/Timed out after 3000 ms|timeout/i);
    await proxy.setFault({ kind: 'none' });
    await storage.ping();
  });

  it('reports a wrong password', async () => {
    const storage = await openRedisStoreForTest({ url: `redis://:wrong@127.0.0.1:${redis.port}` });
    await expect(storage.ping()).rejects.toThrow(/WRONGPASS/);
  });

  it('uses the user, password and database of the URL', async () => {
    await admin.aclSetUser('app', ['on', '>p@ss/word', '~*', '+@all']);
    const url = `redis://app:${encodeURIComponent('p@ss/word')}@127.0.0.1:${redis.port}/3`;
    await put(await openRedisStoreForTest({ url }), 'a');
    const inThree = await openClientForTest(`${redis.url}/3`);
    expect(await inThree.exists('callbacks:{events|A|1}')).toBe(1);
    expect(await admin.exists('callbacks:{events|A|1}')).toBe(0);
  });

  it('needs no dangerous commands, and no keys and channels but its own', async () => {
    await admin.aclSetUser('narrow', [
      'on',
      '>secret',
      '~callbacks:*',
      'resetchannels',
      '&callbacks:*',
      '+@all',
      '-@dangerous',
      '-@admin',
    ]);
    const url = `redis://narrow:secret@127.0.0.1:${redis.port}/4`;
    const log = createRecordingLog();
    await useEveryCommand(await openRedisStoreForTest({ url, log }), await openRedisStoreForTest({ url }));
    expect(log.lines).toEqual([]);
  });

  describe.skipIf(isOpensslMissing)('over TLS (needs /usr/bin/openssl)', () => {
    let folder: string;
    beforeAll(async () => {
      folder = await mkdtemp(path.join(tmpdir(), 'redis-tls-'));
      const request =
        'req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1';
      const files = ['-keyout', path.join(folder, 'key.pem'), '-out', path.join(folder, 'certificate.pem')];
      await promisify(execFile)(OPENSSL, [...request.split(' '), ...files]);
    });
    afterAll(() => rm(folder, { recursive: true, force: true }));

    it('opens only to a server with a trusted certificate', async () => {
      const service = await startLoopbackService({
        name: 'redis-server',
        command: (port, dir) => ({
          command: REDIS_SERVER,
          commandArguments: Object.entries({
            port: '0',
            'tls-port': String(port),
            bind: '127.0.0.1',
            requirepass: 'secret',
            dir,
            save: '',
            'tls-cert-file': path.join(folder, 'certificate.pem'),
            'tls-key-file': path.join(folder, 'key.pem'),
            'tls-auth-clients': 'no',
          }).flatMap(([name, value]) => [`--${name}`, value]),
          environment: process.env,
        }),
        readyLine: /Ready to accept connections/,
      });
      onTestFinished(() => service.close());
      onTestFinished(() => void vi.unstubAllEnvs());
      const url = `rediss://:secret@127.0.0.1:${service.port}`;
      const careful = await openRedisStoreForTest({ url });
      await expect(careful.ping()).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
      vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
      await put(await openRedisStoreForTest({ url }), 'a');
    });
  });

  it('sends no command that touches more than one hash slot, so that a cluster works', async () => {
    const busPort = await findFreePort(0);
    const service = await startLoopbackService({
      name: 'redis-server',
      command: (port, dir) => ({
        command: REDIS_SERVER,
        commandArguments: Object.entries({
          port: String(port),
          bind: '127.0.0.1',
          requirepass: 'secret',
          dir,
          save: '',
          'cluster-enabled': 'yes',
          'cluster-port': String(busPort),
        }).flatMap(([name, value]) => [`--${name}`, value]),
        environment: process.env,
      }),
      readyLine: /Ready to accept connections/,
    });
    onTestFinished(() => service.close());
    const url = `redis://:secret@127.0.0.1:${service.port}`;
    const client = await openClientForTest(url);
    await client.clusterAddSlotsRange({ start: 0, end: 16_383 });
    while (!(await client.clusterInfo()).includes('cluster_state:ok')) await delay(20);
    const log = createRecordingLog();
    const store = await openRedisStoreForTest({ url, log });
    // One command subscribes to all partitions.
    const stops = ['2', '3'].map((number) => store.follow({ ...address, partition: `events|A|${number}` }, () => {}));
    await useEveryCommand(store, await openRedisStoreForTest({ url }));
    for (const stop of stops) stop();
    expect(log.lines).toEqual([]);
  });
});

/** The number of sockets that keep this process alive. */
function socketCount(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
}

async function put(store: KeyValueStore, value: string): Promise<void> {
  const { partition, key } = address;
  const tag = (await store.read(address))?.tag;
  expect(await store.commit(partition, { key, tag }, [{ key, value }])).toBeDefined();
  expect((await store.read(address))?.value).toBe(value);
}

/** Calls each method of a store, and checks that it sees a change made through another store. */
async function useEveryCommand(store: KeyValueStore, other: KeyValueStore): Promise<void> {
  const { partition, key } = address;
  const seen = new Promise<void>((resolve) => {
    const stop = store.follow(address, (found: StoredValue | undefined) => {
      if (found?.value !== 'b') return;
      stop();
      resolve();
    });
  });
  await put(store, 'a');
  await put(other, 'b');
  await seen;
  expect(await store.readRange(partition, { from: '-', before: '~' }, 10)).toHaveLength(1);
  expect((await store.readMany(partition, [key, 'none'])).size).toBe(1);
  await store.removeRange(partition, { from: '-', before: '~' });
  await store.ping();
}
