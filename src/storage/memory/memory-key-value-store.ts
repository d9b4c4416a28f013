import type {
  CommitGuard,
  KeyRange,
  KeyValueStore,
  StoredValue,
  ValueAddress,
  ValueChange,
} from '../key-value-store.js';

type OnValue = (value: StoredValue | undefined) => void;

/** The values of one partition, with their keys in order. */
interface Partition {
  readonly values: Map<string, StoredValue>;
  /** Sorted by code unit. */
  readonly keys: string[];
}

/** Stores values in the memory of this process. */
export class MemoryKeyValueStore implements KeyValueStore {
  readonly #partitions = new Map<string, Partition>();
  readonly #followers = new Map<string, Set<OnValue>>();
  #changeCount = 0;
  #charCount = 0;

  /** Total length of all values, in characters. */
  get charCount(): number {
    return this.#charCount;
  }

  keyCount(partition: string, { from, before }: KeyRange): number {
    const keys = this.#partitions.get(partition)?.keys ?? [];
    return positionOf(keys, before) - positionOf(keys, from);
  }

  async read({ partition, key }: ValueAddress): Promise<StoredValue | undefined> {
    return this.#partitions.get(partition)?.values.get(key);
  }

  async readMany(partition: string, keys: readonly string[]): Promise<ReadonlyMap<string, StoredValue>> {
    const values = this.#partitions.get(partition)?.values;
    const found = keys.map((key) => values?.get(key)).filter((value) => value !== undefined);
    return new Map(found.map((value) => [value.key, value]));
  }

  async readRange(partition: string, range: KeyRange, limit: number): Promise<readonly StoredValue[]> {
    const found = this.#partitions.get(partition);
    if (found === undefined) return [];
    const first = positionOf(found.keys, range.from);
    const keys = found.keys.slice(first, Math.min(first + limit, positionOf(found.keys, range.before)));
    return keys.map((key) => found.values.get(key)).filter((value) => value !== undefined);
  }

  async commit(partition: string, guard: CommitGuard, changes: readonly ValueChange[]): Promise<string | undefined> {
    if (this.#partitions.get(partition)?.values.get(guard.key)?.tag !== guard.tag) return undefined;
    this.#changeCount += 1;
    const tag = String(this.#changeCount);
    for (const { key, value } of changes) {
      if (value === undefined) this.#remove(partition, key);
      else this.#put(partition, { key, value, tag });
    }
    for (const { key } of changes) this.#announce({ partition, key });
    return tag;
  }

  async removeRange(partition: string, { from, before }: KeyRange): Promise<void> {
    const keys = this.#partitions.get(partition)?.keys ?? [];
    for (const key of keys.slice(positionOf(keys, from), positionOf(keys, before))) {
      this.#remove(partition, key);
      this.#announce({ partition, key });
    }
  }

  follow(address: ValueAddress, onValue: OnValue): () => void {
    const place = placeOf(address);
    const followers = this.#followers.get(place) ?? new Set();
    this.#followers.set(place, followers.add(onValue));
    let isStopped = false;
    queueMicrotask(() => {
      if (!isStopped) onValue(this.#valueAt(address));
    });
    return () => {
      isStopped = true;
      if (followers.delete(onValue) && followers.size === 0) this.#followers.delete(place);
    };
  }

  async ping(): Promise<void> {}

  async close(): Promise<void> {
    this.#followers.clear();
  }

  #valueAt({ partition, key }: ValueAddress): StoredValue | undefined {
    return this.#partitions.get(partition)?.values.get(key);
  }

  #put(partition: string, stored: StoredValue): void {
    const found = this.#partitions.get(partition) ?? { values: new Map(), keys: [] };
    this.#partitions.set(partition, found);
    if (!found.values.has(stored.key)) found.keys.splice(positionOf(found.keys, stored.key), 0, stored.key);
    this.#charCount += stored.value.length - (found.values.get(stored.key)?.value.length ?? 0);
    found.values.set(stored.key, Object.freeze(stored));
  }

  #remove(partition: string, key: string): void {
    const found = this.#partitions.get(partition);
    const stored = found?.values.get(key);
    if (found === undefined || stored === undefined) return;
    found.values.delete(key);
    this.#charCount -= stored.value.length;
    found.keys.splice(positionOf(found.keys, key), 1);
    if (found.keys.length === 0) this.#partitions.delete(partition);
  }

  #announce(address: ValueAddress): void {
    for (const onValue of this.#followers.get(placeOf(address)) ?? []) onValue(this.#valueAt(address));
  }
}

/** Returns a map key for an address. Partitions and keys contain no spaces. */
function placeOf({ partition, key }: ValueAddress): string {
  return `${partition} ${key}`;
}

/** Returns the index of the first key that is not before `wanted`. */
function positionOf(keys: readonly string[], wanted: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] ?? '') < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
