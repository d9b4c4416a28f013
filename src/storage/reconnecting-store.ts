import type {
  CommitGuard,
  KeyRange,
  KeyValueStore,
  StoredValue,
  ValueAddress,
  ValueChange,
} from './key-value-store.js';
import { StorageError } from './storage-error.js';

/** Pause before a follower tries again to open a service. */
const REOPEN_PAUSE_MS = 500;

/**
 * A store that opens with its first request, and tries again with the next request if that failed. Converts errors of
 * the service to a {@link StorageError}.
 */
export class ReconnectingStore implements KeyValueStore {
  readonly #open: () => Promise<KeyValueStore>;
  #opened: Promise<KeyValueStore> | undefined;

  constructor(open: () => Promise<KeyValueStore>) {
    this.#open = open;
  }

  read(address: ValueAddress): Promise<StoredValue | undefined> {
    return this.#request((store) => store.read(address));
  }

  readMany(partition: string, keys: readonly string[]): Promise<ReadonlyMap<string, StoredValue>> {
    return this.#request((store) => store.readMany(partition, keys));
  }

  readRange(partition: string, range: KeyRange, limit: number): Promise<readonly StoredValue[]> {
    return this.#request((store) => store.readRange(partition, range, limit));
  }

  commit(partition: string, guard: CommitGuard, changes: readonly ValueChange[]): Promise<string | undefined> {
    return this.#request((store) => store.commit(partition, guard, changes));
  }

  removeRange(partition: string, range: KeyRange): Promise<void> {
    return this.#request((store) => store.removeRange(partition, range));
  }

  /** Starts as soon as the store can be opened. */
  follow(address: ValueAddress, onValue: (value: StoredValue | undefined) => void): () => void {
    let stop: (() => void) | undefined;
    let timer: NodeJS.Timeout | undefined;
    let isStopped = false;
    const follow = async (): Promise<void> => {
      try {
        const store = await this.#get();
        if (!isStopped) stop = store.follow(address, onValue);
      } catch {
        // The service is unreachable. Followers get no changes until it is back.
        if (!isStopped) timer = setTimeout(() => void follow(), REOPEN_PAUSE_MS).unref();
      }
    };
    void follow();
    return () => {
      isStopped = true;
      clearTimeout(timer);
      stop?.();
    };
  }

  ping(): Promise<void> {
    return this.#request((store) => store.ping());
  }

  /** A later request opens the store again. */
  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    // A store that failed to open has nothing to close.
    const store = await opened?.catch(() => undefined);
    await store?.close();
  }

  #get(): Promise<KeyValueStore> {
    this.#opened ??= this.#open().catch((error: unknown) => {
      this.#opened = undefined;
      throw error;
    });
    return this.#opened;
  }

  async #request<Result>(send: (store: KeyValueStore) => Promise<Result>): Promise<Result> {
    try {
      return await send(await this.#get());
    } catch (error) {
      throw error instanceof StorageError ? error : new StorageError(error);
    }
  }
}
