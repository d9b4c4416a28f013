import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { KeyValueStore, StoredValue } from '../../../src/storage/key-value-store.js';
import { RedisConnection } from '../../../src/storage/redis/redis-connection.js';
import { RedisFollower } from '../../../src/storage/redis/redis-follower.js';
import { openRedisStore, type RedisStoreOptions } from '../../../src/storage/redis/redis-store.js';
import { type FaultProxy, startFaultProxy } from '../../support/fault-proxy.js';
import { type AdminClient, openClientForTest } from '../../support/open-redis-for-test.js';
import { createRecordingLog } from '../../support/recording-log.js';
import { isRedisMissing, type RedisServer, startRedisServer } from '../../support/redis-server.js';

const POLL_EVERY_MS = 2;
/** Less than the time of 20 blocking reads of 2 s each. */
const BLOCKED_MS = 35_000;
const KEY = 'head';

const put = async (store: KeyValueStore, partition: string, value: string, key = KEY): Promise<void> => {
  const tag = (await store.read({ partition, key }))?.tag;
  expect(await store.commit(partition, { key, tag }, [{ key, value }])).toBeDefined();
};

it('RedisFollower logs why keys cannot be followed', async () => {
  const log = createRecordingLog();
  const connection = new RedisConnection(() => {
    throw new Error('Nothing is sent.');
  });
  const error = new Error('The socket is closed.', { cause: new Error('read ECONNRESET') });
  const read = (): Promise<never> => Promise.reject(error);
  const follower = new RedisFollower({ connection, blockingConnection: connection, keyPrefix: '', read, log });
  const stop = follower.follow({ partition: 'a', key: KEY }, () => {});
  await expect
    .poll(() => log.lines)
    .toEqual([expect.stringContaining('Error: The socket is closed. (because of Error: read ECONNRESET)')]);
  stop();
  await follower.close();
});

describe.skipIf(isRedisMissing)('following keys in Redis (needs /usr/bin/redis-server)', () => {
  let redis: RedisServer;
  let proxy: FaultProxy;
  let admin: AdminClient;
  let partitionCount = 0;
  const nextPartition = (): string => `test|${(partitionCount += 1)}`;
  beforeAll(async () => {
    redis = await startRedisServer();
  });
  beforeEach(async () => {
    proxy = await startFaultProxy(redis.port);
    admin = await openClientForTest(redis.url);
    return () => proxy.close();
  });
  afterAll(() => redis.close());

  const openForTest = async (options: Partial<RedisStoreOptions> = {}): Promise<KeyValueStore> => {
    const store = await openRedisStore({ url: redis.url, ...options });
    onTestFinished(() => store.close());
    return store;
  };
  const followers = async () => (await admin.clientList()).filter(({ flags }) => flags.includes('b')).length;

  it('reports each change by another process in order, even of a key that was not the guard', async () => {
    const partition = nextPartition();
    const seen = follow(await openForTest(), partition);
    await seen.until(undefined);
    const store = await openForTest();
    for (const value of ['1', '2', '3']) {
      await put(store, partition, value);
      await seen.until(value);
    }
    await store.commit(partition, { key: 'other', tag: undefined }, [
      { key: 'other', value: 'x' },
      { key: KEY, value: '4' },
    ]);
    await seen.until('4');
    await store.removeRange(partition, { from: '-', before: '~' });
    await seen.until(undefined);
    expect(withoutRepetitions(seen.values)).toEqual([undefined, '1', '2', '3', '4', undefined]);
  });

  it('reports each change at once, even with many followed keys', async () => {
    const store = await openForTest();
    for (let count = 0; count < 100; count += 1) follow(store, nextPartition());
    const partition = nextPartition();
    const seen = follow(store, partition);
    const writer = await openForTest();
    // Without notifications each would wait up to 2 s for the next check of all keys and exceed the test's timeout.
    for (let count = 1; count <= 100; count += 1) {
      await put(writer, partition, String(count));
      await seen.until(String(count));
    }
    expect(seen.values.at(-1)).toBe('100');
  });

  it(
    'follows a new key at once while it waits for others',
    async () => {
      const store = await openForTest();
      const writer = await openForTest();
      follow(store, nextPartition());
      // Without a wake-up each would wait for the end of a blocking read and exceed the test's timeout.
      for (let count = 0; count < 20; count += 1) {
        while ((await followers()) === 0) await delay(POLL_EVERY_MS);
        const partition = nextPartition();
        const seen = follow(store, partition);
        await seen.until(undefined);
        await put(writer, partition, 'a');
        await seen.until('a');
      }
      expect(await followers()).toBeLessThanOrEqual(1);
    },
    BLOCKED_MS,
  );

  it('reports to all followers of a key, until each stops', async () => {
    const partition = nextPartition();
    const store = await openForTest();
    const [one, other] = [follow(store, partition), follow(store, partition)];
    for (const seen of [one, other]) await seen.until(undefined);
    one.stop();
    await put(await openForTest(), partition, 'a');
    await other.until('a');
    expect(one.values).not.toContain('a');
  });

  it('reports a change from before it started, however old', async () => {
    const partition = nextPartition();
    await put(await openForTest(), partition, 'a');
    while ((await admin.del(newsOf(partition))) === 0) await delay(POLL_EVERY_MS);
    const seen = follow(await openForTest(), partition);
    expect(await seen.until('a')).toBe('a');
  });

  it(
    'uses one connection for all followed keys, while there are any',
    async () => {
      const store = await openForTest();
      // Without a wake-up each end would wait for the end of a blocking read.
      for (let count = 0; count < 20; count += 1) {
        const followed = [follow(store, nextPartition()), follow(store, nextPartition())];
        while ((await followers()) === 0) await delay(POLL_EVERY_MS);
        expect(await followers()).toBe(1);
        for (const { stop } of followed) stop();
        while ((await followers()) > 0) await delay(POLL_EVERY_MS);
      }
    },
    BLOCKED_MS,
  );

  it('detects a change without a notification within seconds: a lost partition, or a writer that died', async () => {
    const store = await openForTest();
    const [gone, changed] = [nextPartition(), nextPartition()];
    const writer = await openForTest();
    for (const partition of [gone, changed]) await put(writer, partition, 'a');
    const [ofGone, ofChanged] = [follow(store, gone), follow(store, changed)];
    for (const seen of [ofGone, ofChanged]) await seen.until('a');
    await admin.del(dataOf(gone));
    await admin.zRemRangeByLex(dataOf(changed), '-', '+');
    await admin.zAdd(dataOf(changed), { score: 0, value: `${KEY}\0${'t'.repeat(12)}b` });
    expect(await ofGone.until(undefined)).toBeUndefined();
    expect(await ofChanged.until('b')).toBe('b');
  });

  it.each(['cut', 'reset'] as const)('detects changes while its connection was %s', async (how) => {
    const log = createRecordingLog();
    const partition = nextPartition();
    const seen = follow(await openForTest({ url: redis.urlThrough(proxy.port), log }), partition);
    const writer = await openForTest();
    await put(writer, partition, 'a');
    await seen.until('a');
    while ((await followers()) === 0) await delay(POLL_EVERY_MS);
    proxy[how]();
    await proxy.setFault({ kind: 'refuse' });
    await put(writer, partition, 'b');
    while (log.lines.length === 0) await delay(POLL_EVERY_MS);
    await proxy.setFault({ kind: 'none' });
    await seen.until('b');
    while (log.lines.length < 2) await delay(POLL_EVERY_MS);
    expect(log.lines).toEqual([
      expect.stringMatching(/^warn Changes in Redis cannot be followed; trying again: /),
      'info Changes in Redis can be followed again.',
    ]);
  });

  it('detects a silent network, and changes meanwhile', async () => {
    const partition = nextPartition();
    const seen = follow(await openForTest({ url: redis.urlThrough(proxy.port) }), partition);
    await seen.until(undefined);
    while ((await followers()) === 0) await delay(POLL_EVERY_MS);
    await proxy.setFault({ kind: 'black-hole' });
    await put(await openForTest(), partition, 'a');
    while ((await followers()) > 0) await delay(POLL_EVERY_MS);
    expect(seen.values).not.toContain('a');
    await proxy.setFault({ kind: 'none' });
    await seen.until('a');
  });

  it('reports that the server has lost a value, and the next value', async () => {
    const server = await startRedisServer();
    onTestFinished(() => server.close());
    const partition = nextPartition();
    const seen = follow(await openForTest({ url: server.url }), partition);
    const writer = await openForTest({ url: server.url });
    await put(writer, partition, 'a');
    await seen.until('a');
    await server.stop();
    await server.start();
    await seen.until(undefined);
    await put(writer, partition, 'b');
    expect(await seen.until('b')).toBe('b');
  });
});

function newsOf(partition: string): string {
  return `callbacks:{news}:${partition}`;
}

function dataOf(partition: string): string {
  return `callbacks:{${partition}}`;
}

/** A check may report a value that has not changed. */
function withoutRepetitions<Item>(items: readonly Item[]): Item[] {
  return items.filter((item, index) => index === 0 || item !== items[index - 1]);
}

interface Followed {
  /** All reported values. */
  readonly values: readonly (string | undefined)[];
  /** Waits until this is the latest value. */
  until(wanted: string | undefined): Promise<string | undefined>;
  readonly stop: () => void;
}

function follow(store: KeyValueStore, partition: string): Followed {
  const values: (string | undefined)[] = [];
  let onReport: (() => void) | undefined;
  const stop = store.follow({ partition, key: KEY }, (found: StoredValue | undefined) => {
    values.push(found?.value);
    onReport?.();
  });
  onTestFinished(stop);
  return {
    values,
    stop,
    until: (wanted) =>
      new Promise((resolve) => {
        onReport = () => {
          if (values.length > 0 && values.at(-1) === wanted) resolve(wanted);
        };
        onReport();
      }),
  };
}
