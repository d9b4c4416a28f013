import { expect, it, vi } from 'vitest';
import type { KeyValueStore } from '../../src/storage/key-value-store.js';
import { MemoryKeyValueStore } from '../../src/storage/memory/memory-key-value-store.js';
import { SplitValueStore, type ValueLimits } from '../../src/storage/split-value-store.js';
import { describeKeyValueStore } from './describe-key-value-store.js';

const partition = 'test';
const limits: ValueLimits = { maxValueLength: 100, maxCommitLength: 250 };
const long = (letter: string): string => letter.repeat(1000);

const open = (service: KeyValueStore = new MemoryKeyValueStore()) => ({
  service,
  store: new SplitValueStore(service, limits),
  /** The keys of all rows, without the random tokens in them. */
  rows: async () =>
    (await service.readRange(partition, { from: '!', before: '~~' }, 1000)).map(({ key }) =>
      key.replace(/^(!.+)!.{12}!/, '$1!'),
    ),
});

describeKeyValueStore('a service with small rows', () => open().store, { propertyRuns: 200, longTextBytes: 50_000 });

describeKeyValueStore(
  'a service that refuses to remove missing keys',
  () => {
    const service = new MemoryKeyValueStore();
    const commit = service.commit.bind(service);
    vi.spyOn(service, 'commit').mockImplementation(async (at, guard, changes) => {
      const found = await service.readMany(
        at,
        changes.map(({ key }) => key),
      );
      if (changes.some(({ key, value }) => value === undefined && !found.has(key))) return undefined;
      return commit(at, guard, changes);
    });
    return open(service).store;
  },
  { longTextBytes: 50_000 },
);

it('SplitValueStore does not split a value that fits into its row', async () => {
  const { store, rows } = open();
  await store.commit(partition, { key: 'a', tag: undefined }, [{ key: 'a', value: 'x'.repeat(80) }]);
  expect(await rows()).toEqual(['a']);
});

it('SplitValueStore splits values that do not fit into the commit', async () => {
  const { store, rows } = open();
  const changes = ['a', 'b', 'c', 'd'].map((key) => ({ key, value: 'x'.repeat(80) }));
  await store.commit(partition, { key: 'a', tag: undefined }, changes);
  expect(await rows()).toEqual(['!c!0', '!d!0', 'a', 'b', 'c', 'd']);
});

it('SplitValueStore removes the parts of a value that is replaced, removed, or removed with its range', async () => {
  const { store, rows } = open();
  const put = async (key: string, value: string | undefined) => {
    const tag = (await store.read({ partition, key }))?.tag;
    expect(await store.commit(partition, { key, tag }, [{ key, value }])).toBeDefined();
  };
  await put('a', long('a'));
  await put('b', long('b'));
  await put('c', long('c'));
  await put('a', 'short');
  await put('b', undefined);
  expect((await rows()).filter((key) => !key.startsWith('!c!'))).toEqual(['a', 'c']);
  await store.removeRange(partition, { from: 'c', before: 'd' });
  expect(await rows()).toEqual(['a']);
});

it('SplitValueStore keeps the parts of other keys when it removes a range', async () => {
  const { store } = open();
  const keys = ['a', 'a|1', 'a|2', 'b'];
  for (const key of keys) await store.commit(partition, { key, tag: undefined }, [{ key, value: long(key) }]);
  await store.removeRange(partition, { from: 'a|', before: 'a|2' });
  const left = await store.readRange(partition, { from: 'a', before: 'c' }, 10);
  expect(left.map(({ key }) => key)).toEqual(['a', 'a|2', 'b']);
});

it('SplitValueStore removes parts that it wrote before a conflict', async () => {
  const { store, rows } = open();
  await store.commit(partition, { key: 'head', tag: undefined }, [{ key: 'head', value: '1' }]);
  const changes = [
    { key: 'head', value: '2' },
    { key: 'a', value: long('a') },
  ];
  expect(await store.commit(partition, { key: 'head', tag: undefined }, changes)).toBeUndefined();
  expect(await rows()).toEqual(['head']);
});

it('SplitValueStore recognizes its own commit if the service reports it as a conflict', async () => {
  const { service, store } = open();
  const commit = service.commit.bind(service);
  vi.spyOn(service, 'commit').mockImplementation(async (...change) => {
    await commit(...change);
    // The response was lost, so the SDK retried the request.
    return commit(...change);
  });
  const tag = await store.commit(partition, { key: 'head', tag: undefined }, [
    { key: 'head', value: '1' },
    { key: 'a', value: long('a') },
  ]);
  expect(tag).toBe((await store.read({ partition, key: 'head' }))?.tag);
  expect((await store.read({ partition, key: 'a' }))?.value).toBe(long('a'));
});

it('SplitValueStore keeps the parts of a commit whose response was lost and that another commit followed', async () => {
  const { service, store } = open();
  const commit = service.commit.bind(service);
  const spy = vi.spyOn(service, 'commit').mockImplementation(async (at, guard, changes) => {
    const tag = await commit(at, guard, changes);
    if (guard.key !== 'head') return tag;
    await commit(at, { key: 'head', tag }, [{ key: 'head', value: 'another-token=next' }]);
    return undefined;
  });
  const result = await store.commit(partition, { key: 'head', tag: undefined }, [
    { key: 'head', value: '1' },
    { key: 'a', value: long('a') },
  ]);
  spy.mockRestore();
  expect(result).toBeUndefined();
  expect((await store.read({ partition, key: 'a' }))?.value).toBe(long('a'));
});

it('SplitValueStore reads the new value if the parts of the old one disappear meanwhile', async () => {
  const { service, store } = open();
  const other = open(service).store;
  const tag = await store.commit(partition, { key: 'a', tag: undefined }, [{ key: 'a', value: long('a') }]);
  const readMany = service.readMany.bind(service);
  vi.spyOn(service, 'readMany').mockImplementationOnce(async (at, keys) => {
    await store.commit(partition, { key: 'a', tag }, [{ key: 'a', value: long('b') }]);
    return readMany(at, keys);
  });
  expect((await other.read({ partition, key: 'a' }))?.value).toBe(long('b'));
});

it('SplitValueStore treats a value as removed if its range was removed during the commit', async () => {
  const { service, store, rows } = open();
  const commit = service.commit.bind(service);
  vi.spyOn(service, 'commit').mockImplementation(async (at, guard, changes) => {
    if (guard.key === 'a') await store.removeRange(partition, { from: 'a', before: 'b' });
    return commit(at, guard, changes);
  });
  await store.commit(partition, { key: 'a', tag: undefined }, [{ key: 'a', value: long('a') }]);
  vi.restoreAllMocks();
  expect(await store.read({ partition, key: 'a' })).toBeUndefined();
  expect(await rows()).toEqual([]);
});

it('SplitValueStore reports a long value of a followed key', async () => {
  const { service, store } = open();
  const stops: (() => void)[] = [];
  const reported = new Promise((resolve) => {
    stops.push(store.follow({ partition, key: 'a' }, (found) => found !== undefined && resolve(found.value)));
  });
  await open(service).store.commit(partition, { key: 'a', tag: undefined }, [{ key: 'a', value: long('a') }]);
  expect(await reported).toBe(long('a'));
  for (const stop of stops) stop();
});
