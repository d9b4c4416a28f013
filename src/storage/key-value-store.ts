/**
 * Addresses a value. Both parts consist of ASCII letters, digits and `. _ : @ = - ~ |`; a partition has at most 500
 * characters, a key at most 300. Escape other text first.
 */
export interface ValueAddress {
  readonly partition: string;
  readonly key: string;
}

/** A stored value with its tag. */
export interface StoredValue {
  readonly key: string;
  readonly value: string;
  /** Changes with each change of the value. Opaque. */
  readonly tag: string;
}

/** One change within a {@link KeyValueStore.commit}. */
export interface ValueChange {
  readonly key: string;
  /** The new value: text of any length. Undefined removes the key. */
  readonly value: string | undefined;
}

/** The condition of a commit: a key of the same partition has this tag. */
export interface CommitGuard {
  readonly key: string;
  /** Undefined: the key does not exist. */
  readonly tag: string | undefined;
}

/** Keys from `from` on, and before `before`, by code unit. */
export interface KeyRange {
  readonly from: string;
  readonly before: string;
}

/**
 * Stores text by partition and key. All durable data except the conversations is stored here. To support another
 * service, implement this interface.
 *
 * Methods reject with a {@link StorageError} if the service cannot be reached or does not answer in time. A commit that
 * rejects may have taken effect.
 */
export interface KeyValueStore {
  /** Returns undefined if the key does not exist. */
  read(address: ValueAddress): Promise<StoredValue | undefined>;

  /** Reads any number of keys of one partition. The result lacks those that do not exist. */
  readMany(partition: string, keys: readonly string[]): Promise<ReadonlyMap<string, StoredValue>>;

  /**
   * Reads keys in order.
   *
   * @param limit - maximum number of values, 1 or more
   * @returns fewer than `limit` values if they are large, but none only if the range is empty
   */
  readRange(partition: string, range: KeyRange, limit: number): Promise<readonly StoredValue[]>;

  /**
   * Changes several keys of a partition: all of them, or none.
   *
   * @param changes - at most 90, in any order, with different keys. The guard's key must be among them, and must get a
   * value if it does not exist yet. A removed key need not exist.
   * @returns the new tag of the guard's key, or any text if that key was removed; undefined if nothing was changed
   * because the guard failed. Also undefined if the reply to a commit was lost and another commit followed: read again
   * and decide by the stored values.
   */
  commit(partition: string, guard: CommitGuard, changes: readonly ValueChange[]): Promise<string | undefined>;

  /**
   * Removes the keys of a range. Not atomic: readers may see some keys removed and others not. A key that is committed
   * meanwhile may or may not be removed.
   */
  removeRange(partition: string, range: KeyRange): Promise<void>;

  /**
   * Reports the value of a key: now, and within about 200 ms after each change by this or another process. May merge
   * several changes into one report, and may report an unchanged value. Never throws: it keeps trying while the service
   * is unreachable.
   *
   * @returns a function that stops following
   */
  follow(address: ValueAddress, onValue: (value: StoredValue | undefined) => void): () => void;

  /** Resolves if the service answers. */
  ping(): Promise<void>;

  /** Closes connections and stops timers. */
  close(): Promise<void>;
}

/** Maximum number of changes per commit. */
export const MAX_CHANGES_PER_COMMIT = 90;

/** Returns the first key that can follow another one. `-` is the smallest character of a key. */
export function keyAfter(key: string): string {
  return `${key}-`;
}

/** Reads a range in pages, on demand. */
export async function* readPages(
  store: KeyValueStore,
  partition: string,
  range: KeyRange,
  pageLimit = 500,
): AsyncGenerator<readonly StoredValue[]> {
  for (let { from } = range; ;) {
    const page = await store.readRange(partition, { ...range, from }, pageLimit);
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    from = keyAfter(last.key);
  }
}

const MAX_COMMITS = 30;

/**
 * Retries a change until its commit succeeds, because other processes may cause conflicts.
 *
 * @param attempt - reads the values that the change depends on, and commits the change. Resolves with undefined if the
 * guard failed.
 * @throws Error after 30 attempts
 */
export async function retryCommit<Result>(attempt: () => Promise<Result | undefined>): Promise<Result> {
  for (let commits = 0; commits < MAX_COMMITS; commits += 1) {
    const result = await attempt();
    if (result !== undefined) return result;
  }
  throw new Error(`A value was changed by others ${MAX_COMMITS} times while it was being written.`);
}
