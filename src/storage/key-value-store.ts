/**
 * Addresses a value. Both parts consist of ASCII letters, digits and `. _ : @ = - ~ |`; a partition has at most 500
 * characters, a key at most 300. Other text has to be escaped first.
 */
export interface ValueAddress {
  readonly partition: string;
  readonly key: string;
}

/** A value as it was read. */
export interface StoredValue {
  readonly key: string;
  readonly value: string;
  /** Differs after each change of the value. Opaque. */
  readonly tag: string;
}

/** One change within a {@link KeyValueStore.commit}. */
export interface ValueChange {
  readonly key: string;
  /** The new value: text of any length. Undefined removes the key. */
  readonly value: string | undefined;
}

/** The condition of a commit: a key of the same partition still has this tag. */
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
 * Keeps text by partition and key. All durable data except the conversations themselves is stored here, so supporting
 * another service means implementing this interface.
 *
 * Methods reject with a {@link StorageError} if the service cannot be reached or does not answer in time. A commit that
 * rejects may have taken effect.
 */
export interface KeyValueStore {
  /** Undefined if the key does not exist. */
  read(address: ValueAddress): Promise<StoredValue | undefined>;

  /** Reads any number of keys of one partition. The result lacks those that do not exist. */
  readMany(partition: string, keys: readonly string[]): Promise<ReadonlyMap<string, StoredValue>>;

  /**
   * Reads keys in their order.
   *
   * @param limit maximum number of values, 1 or more
   * @returns fewer than `limit` values if they are large, but none only if the range is empty
   */
  readRange(partition: string, range: KeyRange, limit: number): Promise<readonly StoredValue[]>;

  /**
   * Changes several keys of a partition: all of them, or none.
   *
   * @param changes at most 90, in any order, each of another key. The guard's key must be among them, and have a value
   *   if it does not exist yet. A removed key does not have to exist.
   * @returns the new tag of the guard's key, or any text if that was removed; undefined if nothing was changed because
   *   the guard does not hold. A commit whose answer is lost may also be reported as undefined if another one follows it:
   *   read again, and decide by what is stored.
   */
  commit(partition: string, guard: CommitGuard, changes: readonly ValueChange[]): Promise<string | undefined>;

  /**
   * Removes the keys of a range. Not atomic: readers may see a part of it gone. A key that is committed meanwhile may
   * stay, or be removed.
   */
  removeRange(partition: string, range: KeyRange): Promise<void>;

  /**
   * Reports the value of a key: now, and after each change of this or another process, within about 200 ms. Several
   * changes in a row may be reported as one, and a value that has not changed again. Never throws: while the service
   * cannot be reached, it keeps trying.
   *
   * @returns ends it
   */
  follow(address: ValueAddress, onValue: (value: StoredValue | undefined) => void): () => void;

  /** Resolves if the service answers. */
  ping(): Promise<void>;

  /** Ends connections and timers. */
  close(): Promise<void>;
}

/** Most changes that one commit takes. */
export const MAX_CHANGES_PER_COMMIT = 90;

/** The first key that can follow another one: `-` is the smallest character of a key. */
export function keyAfter(key: string): string {
  return `${key}-`;
}

/** Reads a range in pages, each when it is asked for. */
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
 * Repeats a change that other processes may get in the way of, until its commit takes effect.
 *
 * @param attempt reads what the change depends on, and commits it. Resolves with undefined if the guard did not hold.
 * @throws Error after 30 attempts
 */
export async function retryCommit<Result>(attempt: () => Promise<Result | undefined>): Promise<Result> {
  for (let commits = 0; commits < MAX_COMMITS; commits += 1) {
    const result = await attempt();
    if (result !== undefined) return result;
  }
  throw new Error(`A value was changed by others ${MAX_COMMITS} times while it was being written.`);
}
