import { ZodError } from 'zod';
import type { EventThread } from './callback-event-store.js';
import type { EventStorage, StoredHead } from './event-storage.js';
import { EventStoreError } from './event-store-error.js';
import type { KeptEvent } from './kept-event.js';
import type { RecordChange } from './record-changes.js';
import type { RunRecord } from './run-record.js';
import type { ThreadHead } from './thread-head.js';
import type { ThreadList } from './thread-list.js';
import type { FollowThread } from './thread-watchers.js';

const OPEN_AGAIN_MS = 500;

/**
 * A storage that is opened when it is needed first, and again with the next request if that failed. What a request is
 * rejected with becomes an `EventStoreError`, but for a record that cannot be read: another try would not help.
 */
export class StorageConnection implements EventStorage {
  readonly #open: () => Promise<EventStorage>;
  #opened: Promise<EventStorage> | undefined;

  constructor(open: () => Promise<EventStorage>) {
    this.#open = open;
  }

  /** Begins as soon as the storage can be opened. */
  readonly follow: FollowThread = (thread, announce) => {
    let stop: (() => void) | undefined;
    let timer: NodeJS.Timeout | undefined;
    let isStopped = false;
    const follow = async (): Promise<void> => {
      try {
        const storage = await this.#get();
        if (!isStopped) stop = storage.follow(thread, announce);
      } catch {
        // The store is out of reach. Those who wait are told nothing until it is back.
        if (!isStopped) timer = setTimeout(() => void follow(), OPEN_AGAIN_MS).unref();
      }
    };
    void follow();
    return () => {
      isStopped = true;
      clearTimeout(timer);
      stop?.();
    };
  };

  readHead(thread: EventThread): Promise<StoredHead | undefined> {
    return this.#request((storage) => storage.readHead(thread));
  }

  readRuns(thread: EventThread, generation: number, correlationIds: readonly string[]): Promise<RunRecord[]> {
    return this.#request((storage) => storage.readRuns(thread, generation, correlationIds));
  }

  readEvents(thread: EventThread, first: number, limit: number): Promise<KeptEvent[]> {
    return this.#request((storage) => storage.readEvents(thread, first, limit));
  }

  commit(thread: EventThread, tag: string | undefined, change: RecordChange): Promise<string | undefined> {
    return this.#request((storage) => storage.commit(thread, tag, change));
  }

  removeUnreachable(thread: EventThread, head: ThreadHead): Promise<void> {
    return this.#request((storage) => storage.removeUnreachable(thread, head));
  }

  forgetThread(thread: EventThread): Promise<void> {
    return this.#request((storage) => storage.forgetThread(thread));
  }

  listThreads(agentName: string): Promise<ThreadList> {
    return this.#request((storage) => storage.listThreads(agentName));
  }

  ping(): Promise<void> {
    return this.#request((storage) => storage.ping());
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    // Nothing is to be closed of what could not be opened.
    const storage = await opened?.catch(() => undefined);
    await storage?.close();
  }

  #get(): Promise<EventStorage> {
    this.#opened ??= this.#open().catch((error: unknown) => {
      this.#opened = undefined;
      throw error;
    });
    return this.#opened;
  }

  async #request<Result>(send: (storage: EventStorage) => Promise<Result>): Promise<Result> {
    try {
      return await send(await this.#get());
    } catch (error) {
      throw error instanceof ZodError ? error : new EventStoreError(error);
    }
  }
}
