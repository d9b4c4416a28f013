import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { KeyValueStore } from '../../../src/storage/key-value-store.js';
import { openRedisStore, REDIS_LIMITS } from '../../../src/storage/redis/redis-store.js';
import { SplitValueStore } from '../../../src/storage/split-value-store.js';
import { startFaultProxy } from '../../support/fault-proxy.js';
import { openClientForTest } from '../../support/open-redis-for-test.js';
import { isRedisMissing, type RedisServer, startRedisServer } from '../../support/redis-server.js';
import { describeKeyValueStore } from '../describe-key-value-store.js';

const partition = 'events|A|1';
const all = { from: '-', before: '~~' };

const put = async (store: KeyValueStore, key: string, value: string): Promise<string | undefined> => {
  const tag = (await store.read({ partition, key }))?.tag;
  return store.commit(partition, { key, tag }, [{ key, value }]);
};

const keysOf = async (store: KeyValueStore) => (await store.readRange(partition, all, 100)).map(({ key }) => key);

describe.skipIf(isRedisMissing)('redis (needs /usr/bin/redis-server)', () => {
  let redis: RedisServer;
  let keyPrefix: string;
  beforeAll(async () => {
    redis = await startRedisServer();
  });
  beforeEach(() => {
    keyPrefix = `test-${randomBytes(6).toString('hex')}:`;
  });
  afterAll(() => redis.close());

  const open = async (): Promise<KeyValueStore> =>
    new SplitValueStore(await openRedisStore({ url: redis.url }), REDIS_LIMITS);
  describeKeyValueStore('redis', open, { openSecond: open });

  const openForTest = async (url = redis.url): Promise<KeyValueStore> => {
    const store = new SplitValueStore(await openRedisStore({ url, keyPrefix }), REDIS_LIMITS);
    onTestFinished(() => store.close());
    return store;
  };

  it('stores a partition in one key, and nothing else', async () => {
    const store = await openForTest();
    for (const key of ['a', 'b']) await put(store, key, key);
    const client = await openClientForTest(redis.url);
    expect(await client.keys(`${keyPrefix}*`)).toEqual([`${keyPrefix}{events|A|1}`]);
  });

  it('rejects writes if the server is out of memory, but still removes', async () => {
    const store = await openForTest();
    const tag = await put(store, 'head', '1');
    await put(store, 'a', 'a');
    const client = await openClientForTest(redis.url);
    await client.configSet('maxmemory', '1');
    onTestFinished(() => client.configSet('maxmemory', '0').then(() => undefined));
    const changes = ['head', 'a', 'b'].map((key) => ({ key, value: '2' }));
    await expect(store.commit(partition, { key: 'head', tag }, changes)).rejects.toThrow('OOM');
    expect((await store.readRange(partition, all, 10)).map(({ value }) => value)).toEqual(['a', '1']);
    await store.removeRange(partition, { from: 'a', before: 'b' });
    expect(await store.commit(partition, { key: 'head', tag }, [{ key: 'head', value: undefined }])).toBeDefined();
    expect(await keysOf(store)).toEqual([]);
  });

  it('reloads its scripts if the server has lost them', async () => {
    const store = await openForTest();
    await put(store, 'a', '1');
    const client = await openClientForTest(redis.url);
    await client.scriptFlush();
    await put(store, 'b', '2');
    expect(await keysOf(store)).toEqual(['a', 'b']);
  });

  it('limits the size of a reply', async () => {
    const store = await openForTest();
    const keys = Array.from({ length: 12 }, (_, index) => `k|${String(index).padStart(2, '0')}`);
    for (const [index, key] of keys.entries()) await put(store, key, 'x'.repeat(index % 2 === 0 ? 300_000 : 1));
    expect(await keysOf(store)).toEqual(keys.slice(0, 7));
    expect(await store.readRange(partition, { ...all, from: 'k|11' }, 100)).toHaveLength(1);
    const many = await store.readMany(partition, [...keys, 'none']);
    expect([...many.values()].map(({ value }) => value.length)).toEqual(
      keys.map((_, i) => (i % 2 === 0 ? 300_000 : 1)),
    );
  });

  it('receives large replies on a separate connection, so that writers do not wait', async () => {
    const client = await openClientForTest(redis.url);
    const countConnections = async () => (await client.clientList()).length;
    const store = await openForTest();
    await store.read({ partition, key: 'head' });
    const before = await countConnections();
    await store.readRange(partition, all, 10);
    await store.readMany(partition, ['a']);
    expect(await countConnections()).toBe(before + 1);
  });

  it('fails requests while the network is silent, and works again afterwards', async () => {
    const proxy = await startFaultProxy(redis.port);
    onTestFinished(() => proxy.close());
    const store = await openForTest(redis.urlThrough(proxy.port));
    await put(store, 'a', '1');
    await proxy.setFault({ kind: 'black-hole' });
    const outcomes = await Promise.allSettled([put(store, 'a', '2'), store.readRange(partition, all, 1), store.ping()]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    await proxy.setFault({ kind: 'none' });
    expect(await put(store, 'a', '3')).toBeDefined();
  });
});
