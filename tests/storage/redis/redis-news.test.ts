import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { KeyValueStore, StoredValue } from '../../../src/storage/key-value-store.js';
import { openRedisStore, type RedisStoreOptions } from '../../../src/storage/redis/redis-store.js';
import { type FaultProxy, startFaultProxy } from '../../support/fault-proxy.js';
import { type AdminClient, openClientForTest } from '../../support/open-redis-for-test.js';
import { createRecordingLog } from '../../support/recording-log.js';
import { isRedisMissing, type RedisServer, startRedisServer } from '../../support/redis-server.js';

const POLL_EVERY_MS = 2;
const KEY = 'head';

const put = async (store: KeyValueStore, partition: string, value: string, key = KEY): Promise<void> => {
  const tag = (await store.read({ partition, key }))?.tag;
  expect(await store.commit(partition, { key, tag }, [{ key, value }])).toBeDefined();
};

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
  const followers = async () => (await admin.clientList()).filter(({ flags }) => flags.includes('P')).length;

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

  it('follows a new key at once while it follows others', async () => {
    const store = await openForTest();
    const writer = await openForTest();
    follow(store, nextPartition());
    // Without notifications each would wait up to 2 s for the next check and exceed the test's timeout.
    for (let count = 0; count < 20; count += 1) {
      while ((await followers()) === 0) await delay(POLL_EVERY_MS);
      const partition = nextPartition();
      const seen = follow(store, partition);
      await seen.until(undefined);
      await put(writer, partition, 'a');
      await seen.until('a');
    }
    expect(await followers()).toBeLessThanOrEqual(1);
  });

  it('notifies only processes that follow the partition, and only while they do', async () => {
    const partition = nextPartition();
    const store = await openForTest();
    const [seen, other] = [follow(store, partition), follow(store, nextPartition())];
    const channel = `callbacks:news:${partition}`;
    await expect.poll(() => admin.pubSubChannels('callbacks:news:*')).toContain(channel);
    seen.stop();
    await expect.poll(() => admin.pubSubChannels('callbacks:news:*')).not.toContain(channel);
    other.stop();
    await expect.poll(() => admin.pubSubChannels('callbacks:news:*')).toEqual([]);
    expect(await admin.keys('*news*')).toEqual([]);
  });

  it('follows by polling if the user may not use channels, and warns once', async () => {
    await admin.aclSetUser('mute', ['on', '>secret', '~*', '+@all', 'resetchannels']);
    const log = createRecordingLog();
    const url = `redis://mute:secret@127.0.0.1:${redis.port}`;
    const partition = nextPartition();
    const seen = follow(await openForTest({ url, log }), partition);
    const writer = await openForTest({ url });
    for (let count = 1; count <= 50; count += 1) {
      await put(writer, partition, String(count));
      await seen.until(String(count));
    }
    // At least two attempts to subscribe.
    const denials = async () =>
      Number(/cmdstat_subscribe:.*rejected_calls=(\d+)/.exec(await admin.info('commandstats'))?.[1] ?? 0);
    const before = await denials();
    await expect.poll(denials).toBeGreaterThan(before + 1);
    expect(log.lines).toEqual([
      expect.stringMatching(/^warn Changes in Redis cannot be followed by Pub\/Sub; polling: .*NOPERM/),
    ]);
    await admin.aclSetUser('mute', ['allchannels']);
    await expect.poll(() => log.lines.at(-1)).toBe('info Changes in Redis can be followed again.');
  });

  it('subscribes again, without a warning, after the server has closed its connection', async () => {
    const log = createRecordingLog();
    const partition = nextPartition();
    const seen = follow(await openForTest({ log }), partition);
    const writer = await openForTest();
    for (const value of ['a', 'b', 'c']) {
      while ((await followers()) === 0) await delay(POLL_EVERY_MS);
      await put(writer, partition, value);
      await seen.until(value);
      await admin.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub']);
    }
    while ((await followers()) === 0) await delay(POLL_EVERY_MS);
    expect(log.lines).toEqual([]);
  });

  it('leaves no connection if the store is closed while it subscribes', async () => {
    const before = (await admin.clientList()).length;
    for (let count = 0; count < 20; count += 1) {
      const store = await openRedisStore({ url: redis.url });
      const stop = store.follow({ partition: nextPartition(), key: KEY }, () => {});
      await delay(count % 4);
      stop();
      await store.close();
    }
    await expect.poll(async () => (await admin.clientList()).length).toBeLessThanOrEqual(before);
  });

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

  it('reports a change from before it started', async () => {
    const partition = nextPartition();
    await put(await openForTest(), partition, 'a');
    const seen = follow(await openForTest(), partition);
    expect(await seen.until('a')).toBe('a');
  });

  it('uses one connection for all followed keys, while there are any', async () => {
    const store = await openForTest();
    for (let count = 0; count < 20; count += 1) {
      const followed = Array.from({ length: 200 }, () => follow(store, nextPartition()));
      while ((await followers()) === 0) await delay(POLL_EVERY_MS);
      expect(await followers()).toBe(1);
      for (const { stop } of followed) stop();
      while ((await followers()) > 0) await delay(POLL_EVERY_MS);
    }
  });

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
      expect.stringMatching(/^warn Changes in Redis cannot be followed by Pub\/Sub; polling: /),
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
