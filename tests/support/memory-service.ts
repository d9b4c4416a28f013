import { setImmediate as nextTurn } from 'node:timers/promises';
import type {
  CommitGuard,
  KeyRange,
  KeyValueStore,
  StoredValue,
  ValueAddress,
  ValueChange,
} from '../../src/storage/key-value-store.js';
import { MemoryKeyValueStore } from '../../src/storage/memory/memory-key-value-store.js';
import { pollKey } from '../../src/storage/poll-key.js';
import { StorageError } from '../../src/storage/storage-error.js';

export type StorageRead = 'head' | 'runs' | 'events';

/** Hooks into the calls of the storage. Throwing makes the call fail. A promise delays it. */
export interface StorageHooks {
  /** Called before rows of a thread are read. */
  beforeRead?: ((what: StorageRead) => void | Promise<void>) | undefined;
  /** Called before a thread changes. */
  beforeCommit?: ((changes: readonly ValueChange[]) => void | Promise<void>) | undefined;
  /** Called after a thread has changed, before the call returns. */
  afterCommit?: ((changes: readonly ValueChange[]) => void | Promise<void>) | undefined;
}

/** An in-memory service that takes one turn of the event loop per request. Several event stores can share it. */
export class MemoryService implements KeyValueStore {
  readonly follow = pollKey(this);
  readonly hooks: StorageHooks = {};
  readonly reads: Record<StorageRead, number> = { head: 0, runs: 0, events: 0 };
  commitCount = 0;
  conflictCount = 0;
  readonly #values = new MemoryKeyValueStore();

  async read(address: ValueAddress): Promise<StoredValue | undefined> {
    await this.#arrive(address.partition, 'head');
    return this.#values.read(address);
  }

  async readMany(partition: string, keys: readonly string[]): Promise<ReadonlyMap<string, StoredValue>> {
    await this.#arrive(partition, 'runs');
    return this.#values.readMany(partition, keys);
  }

  async readRange(partition: string, range: KeyRange, limit: number): Promise<readonly StoredValue[]> {
    await this.#arrive(partition, range.from.startsWith('event|') ? 'events' : 'runs');
    return this.#values.readRange(partition, range, limit);
  }

  async commit(partition: string, guard: CommitGuard, changes: readonly ValueChange[]): Promise<string | undefined> {
    await nextTurn();
    const isThread = isThreadPartition(partition);
    if (isThread) await run(() => this.hooks.beforeCommit?.(changes));
    const tag = await this.#values.commit(partition, guard, changes);
    if (!isThread) return tag;
    if (tag === undefined) this.conflictCount += 1;
    else {
      this.commitCount += 1;
      await run(() => this.hooks.afterCommit?.(changes));
    }
    await nextTurn();
    return tag;
  }

  async removeRange(partition: string, range: KeyRange): Promise<void> {
    await nextTurn();
    await this.#values.removeRange(partition, range);
  }

  async ping(): Promise<void> {
    await nextTurn();
  }

  async close(): Promise<void> {}

  /** The keys of a partition. */
  async keys(partition: string): Promise<string[]> {
    return (await this.#values.readRange(partition, { from: '-', before: '~~' }, 10_000)).map(({ key }) => key);
  }

  async #arrive(partition: string, what: StorageRead): Promise<void> {
    await nextTurn();
    if (!isThreadPartition(partition)) return;
    this.reads[what] += 1;
    await run(() => this.hooks.beforeRead?.(what));
  }
}

function isThreadPartition(partition: string): boolean {
  return partition.startsWith('events|');
}

/** A throwing hook simulates a failing service. */
async function run(hook: () => void | Promise<void>): Promise<void> {
  try {
    await hook();
  } catch (error) {
    throw error instanceof StorageError ? error : new StorageError(error);
  }
}
