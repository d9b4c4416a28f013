import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KeyValueStore, StoredValue, ValueChange } from '../../src/storage/key-value-store.js';
import { anyText } from '../support/any-text.js';

export interface KeyValueStoreContractOptions {
  /** Opens a second store on the same service, like another process. Optional. */
  readonly openSecond?: () => KeyValueStore | Promise<KeyValueStore>;
  /** Timeout of each test. @default 20_000 */
  readonly timeoutMs?: number;
  /** How often each property is checked. @default 30 */
  readonly propertyRuns?: number;
  /** Length of long texts, in UTF-8 bytes. @default 5_000_000 */
  readonly longTextBytes?: number;
}

const all = { from: '-', before: '~~' };

function newPartition(): string {
  return `test|${randomBytes(9).toString('hex')}`;
}

/**
 * The contract of {@link KeyValueStore}, for every implementation.
 *
 * @param open connects to a service that may be in use: each test uses its own partition
 */
export function describeKeyValueStore(
  name: string,
  open: () => KeyValueStore | Promise<KeyValueStore>,
  { openSecond, timeoutMs = 20_000, propertyRuns = 30, longTextBytes = 5_000_000 }: KeyValueStoreContractOptions = {},
): void {
  describe(`${name}, a key-value store`, { timeout: timeoutMs }, () => {
    let store: KeyValueStore;
    let other: KeyValueStore;
    beforeAll(async () => {
      store = await open();
      other = (await openSecond?.()) ?? store;
    }, timeoutMs);
    afterAll(async () => {
      await store.close();
      if (other !== store) await other.close();
    }, timeoutMs);

    const put = async (partition: string, changes: readonly ValueChange[]): Promise<string | undefined> => {
      const guard = changes[0]?.key ?? '';
      const tag = (await store.read({ partition, key: guard }))?.tag;
      return store.commit(partition, { key: guard, tag }, changes);
    };
    const readAll = async (partition: string, pageSize = 1000): Promise<StoredValue[]> => {
      const found: StoredValue[] = [];
      for (let from = all.from; ;) {
        const page = await store.readRange(partition, { ...all, from }, pageSize);
        found.push(...page);
        const last = page.at(-1);
        if (last === undefined) return found;
        from = `${last.key}-`;
      }
    };

    it('removes several keys in one commit, even if some do not exist', async () => {
      const partition = newPartition();
      const tag = await put(
        partition,
        ['head', 'a', 'b', 'c'].map((key) => ({ key, value: key })),
      );
      const removed = ['head', 'a', 'none', 'c', 'other'].map((key) => ({ key, value: undefined }));
      expect(await store.commit(partition, { key: 'head', tag }, removed)).toBeDefined();
      expect((await readAll(partition)).map(({ key }) => key)).toEqual(['b']);
      expect(await store.commit(partition, { key: 'head', tag }, removed)).toBeUndefined();
      expect(await put(partition, [{ key: 'head', value: 'again' }])).toBeDefined();
      expect((await readAll(partition)).map(({ key }) => key)).toEqual(['b', 'head']);
    });

    it('reads back what was committed, with the tag that the commit returned', async () => {
      const partition = newPartition();
      const tag = await store.commit(partition, { key: 'head', tag: undefined }, [
        { key: 'head', value: 'one' },
        { key: 'a|1', value: '' },
      ]);
      expect(tag).toBeDefined();
      expect(await other.read({ partition, key: 'head' })).toEqual({ key: 'head', value: 'one', tag });
      expect((await other.read({ partition, key: 'a|1' }))?.value).toBe('');
      expect(await other.read({ partition, key: 'b' })).toBeUndefined();
    });

    it('keeps any text: control characters, line separators, astral and unpaired surrogates', async () => {
      const partition = newPartition();
      const value = '\u0000\t\r\n\u001f\u007f\u0085\u2028\u2029"\\\' é \u{1F600} \ud800 end';
      await put(partition, [{ key: 'text', value }]);
      expect((await other.read({ partition, key: 'text' }))?.value).toBe(value);
    });

    it(`keeps texts of ${longTextBytes} bytes, several in one commit`, async () => {
      const partition = newPartition();
      const large = 'é'.repeat(longTextBytes / 2);
      const tag = await put(partition, [
        { key: 'head', value: 'x' },
        { key: 'a', value: `${large}a` },
        { key: 'b', value: `${large}b` },
      ]);
      expect(tag).toBeDefined();
      const found = await readAll(partition);
      expect(found.map(({ key, value }) => [key, value.length, value.at(-1)])).toEqual([
        ['a', large.length + 1, 'a'],
        ['b', large.length + 1, 'b'],
        ['head', 1, 'x'],
      ]);
      await put(partition, [
        { key: 'head', value: 'y' },
        { key: 'a', value: 'short' },
      ]);
      expect((await store.read({ partition, key: 'a' }))?.value).toBe('short');
    });

    it('changes nothing if the guarded key has another tag, exists, or is gone', async () => {
      const partition = newPartition();
      const first = await put(partition, [{ key: 'head', value: '1' }]);
      const second = await put(partition, [{ key: 'head', value: '2' }]);
      const change = [
        { key: 'head', value: '3' },
        { key: 'row', value: 'new' },
      ];
      expect(await store.commit(partition, { key: 'head', tag: first }, change)).toBeUndefined();
      expect(await store.commit(partition, { key: 'head', tag: undefined }, change)).toBeUndefined();
      await put(partition, [{ key: 'head', value: undefined }]);
      expect(await store.commit(partition, { key: 'head', tag: second }, change)).toBeUndefined();
      expect(await readAll(partition)).toEqual([]);
      expect(await store.commit(partition, { key: 'head', tag: undefined }, change)).toBeDefined();
      expect((await readAll(partition)).map(({ key }) => key)).toEqual(['head', 'row']);
    });

    it('lets exactly one of several simultaneous commits with the same guard succeed', async () => {
      const partition = newPartition();
      const stores = [store, other, store, other, store, other];
      const results = await Promise.all(
        stores.map((one, index) =>
          one.commit(partition, { key: 'head', tag: undefined }, [
            { key: 'head', value: String(index) },
            { key: `row|${index}`, value: 'x' },
          ]),
        ),
      );
      const winner = results.findIndex((tag) => tag !== undefined);
      expect(results.filter((tag) => tag !== undefined)).toHaveLength(1);
      expect((await readAll(partition)).map(({ key, value }) => [key, value])).toEqual([
        ['head', String(winner)],
        [`row|${winner}`, 'x'],
      ]);
    });

    it('accepts 90 changes in one commit', async () => {
      const partition = newPartition();
      const changes = Array.from({ length: 90 }, (_, index) => ({
        key: `k|${String(index).padStart(3, '0')}`,
        value: 'v',
      }));
      expect(await put(partition, changes)).toBeDefined();
      expect(await readAll(partition, 7)).toHaveLength(90);
    });

    it('reads many keys of a partition, and omits those that do not exist', async () => {
      const partition = newPartition();
      const keys = Array.from({ length: 250 }, (_, index) => `k|${index}`);
      for (let start = 0; start < keys.length; start += 90) {
        await put(
          partition,
          keys.slice(start, start + 90).map((key) => ({ key, value: `value of ${key}` })),
        );
      }
      const found = await other.readMany(partition, [...keys, 'none']);
      expect(found.size).toBe(250);
      expect(found.get('k|249')?.value).toBe('value of k|249');
      expect(found.get('k|249')?.tag).toBe((await store.read({ partition, key: 'k|249' }))?.tag);
      expect((await other.readMany(partition, [])).size).toBe(0);
    });

    it('reads a range in key order: start inclusive, end exclusive, at most `limit` values', async () => {
      const partition = newPartition();
      const keys = ['A', 'Z', 'a', 'a|', 'a|1', 'a|10', 'a|2', 'a~', 'b', '~'];
      await put(
        partition,
        keys.toReversed().map((key) => ({ key, value: key })),
      );
      const keysOf = async (from: string, before: string, limit = 100) =>
        (await other.readRange(partition, { from, before }, limit)).map(({ key }) => key);
      expect((await readAll(partition, 3)).map(({ key }) => key)).toEqual(keys);
      expect(await keysOf('a|', 'a}')).toEqual(['a|', 'a|1', 'a|10', 'a|2']);
      expect(await keysOf('a|1', 'a|2')).toEqual(['a|1', 'a|10']);
      expect(await keysOf('a', 'b', 2)).toEqual(['a', 'a|']);
      expect(await keysOf('c', 'd')).toEqual([]);
    });

    it('removes a range and nothing else', async () => {
      const partition = newPartition();
      await put(
        partition,
        ['a', 'b|1', 'b|2', 'c'].map((key) => ({ key, value: key })),
      );
      await store.removeRange(partition, { from: 'b|', before: 'b}' });
      expect((await readAll(partition)).map(({ key }) => key)).toEqual(['a', 'c']);
      await store.removeRange(newPartition(), all);
    });

    it('separates partitions, even if one name starts with another', async () => {
      const partition = newPartition();
      await put(partition, [{ key: 'k', value: 'one' }]);
      await put(`${partition}|2`, [{ key: 'k', value: 'two' }]);
      await store.removeRange(`${partition}|2`, all);
      expect((await readAll(partition)).map(({ value }) => value)).toEqual(['one']);
    });

    it('agrees with a map after any sequence of commits and removals', async () => {
      const key = fc.constantFrom('a', 'a|1', 'a|2', 'b', 'Z', '~1');
      const value = fc.option(fc.oneof(fc.string(), anyText({ minLength: 1 })), { nil: undefined });
      const step = fc.record({
        isRemoval: fc.boolean(),
        range: fc.tuple(key, key),
        changes: fc.uniqueArray(fc.record({ key, value }), { minLength: 1, selector: (change) => change.key }),
        isStale: fc.boolean(),
      });
      const staleTag = await put(newPartition(), [{ key: 'head', value: '' }]);
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
          const partition = newPartition();
          const model = new Map<string, string>();
          for (const { isRemoval, range, changes: wanted, isStale } of steps) {
            const [from, before] = range;
            if (isRemoval) {
              await store.removeRange(partition, { from, before });
              for (const known of model.keys()) if (known >= from && known < before) model.delete(known);
              continue;
            }
            const guard = wanted[0]?.key ?? '';
            const tag = (await store.read({ partition, key: guard }))?.tag;
            // A guard that has no value yet gets one.
            const changes = wanted.map((change) =>
              change.key === guard && tag === undefined ? { key: guard, value: change.value ?? '' } : change,
            );
            const result = await store.commit(partition, { key: guard, tag: isStale ? staleTag : tag }, changes);
            expect(result !== undefined).toBe(!isStale);
            if (isStale) continue;
            for (const change of changes) {
              if (change.value === undefined) model.delete(change.key);
              else model.set(change.key, change.value);
            }
          }
          const found = (await readAll(partition, 2)).map((stored) => [stored.key, stored.value]);
          expect(found).toEqual([...model].toSorted(([one], [two]) => (one < two ? -1 : 1)));
        }),
        { numRuns: propertyRuns },
      );
    });

    it('reports the value of a followed key at once and after each change by another process', async () => {
      const partition = newPartition();
      const seen: (string | undefined)[] = [];
      const waiting: (() => void)[] = [];
      const stop = store.follow({ partition, key: 'head' }, (found) => {
        seen.push(found?.value);
        for (const wake of waiting.splice(0)) wake();
      });
      const until = async (value: string | undefined): Promise<void> => {
        while (seen.length === 0 || seen.at(-1) !== value)
          await new Promise<void>((resolve) => void waiting.push(resolve));
      };
      await until(undefined);
      let tag = await other.commit(partition, { key: 'head', tag: undefined }, [{ key: 'head', value: '1' }]);
      await until('1');
      tag = await other.commit(partition, { key: 'head', tag }, [{ key: 'head', value: '2' }]);
      await until('2');
      await other.commit(partition, { key: 'head', tag }, [{ key: 'head', value: undefined }]);
      await until(undefined);
      stop();
      expect(seen.at(-1)).toBeUndefined();
    });

    it('answers a ping', async () => {
      await expect(store.ping()).resolves.toBeUndefined();
    });
  });
}
