import { ZodError } from 'zod';
import type { EventThread } from '../../domain/event-thread.js';
import type { DurableStoreAdapter, StoredHead } from './durable-store-adapter.js';
import { REOPEN_PAUSE_MS } from './store-timeouts.js';
import { StorageError } from '../../../storage/storage-error.js';
import type { StoredEvent } from '../../domain/stored-event.js';
import type { ThreadChange } from '../../domain/thread-changes.js';
import type { RunRecord } from '../../domain/run-record.js';
import type { ThreadHead } from '../../domain/thread-head.js';
import type { ThreadList } from './thread-list.js';
import type { FollowThread } from '../thread-watchers.js';

/**
 * A storage that is opened when it is needed first, and again with the next request if that failed. What a request is
 * rejected with becomes an `StorageError`, but for a record that cannot be read: another try would not help.
 */
export class ReconnectingAdapter implements DurableStoreAdapter {
  readonly #open: () => Promise<DurableStoreAdapter>;
  #opened: Promise<DurableStoreAdapter> | undefined;

  constructor(open: () => Promise<DurableStoreAdapter>) {
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
        if (!isStopped) timer = setTimeout(() => void follow(), REOPEN_PAUSE_MS).unref();
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

  readRuns(thread: EventThread, epoch: string, correlationIds: readonly string[]): Promise<RunRecord[]> {
    return this.#request((storage) => storage.readRuns(thread, epoch, correlationIds));
  }

  readEvents(thread: EventThread, first: number, limit: number): Promise<StoredEvent[]> {
    return this.#request((storage) => storage.readEvents(thread, first, limit));
  }

  commit(thread: EventThread, tag: string | undefined, change: ThreadChange): Promise<string | undefined> {
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

  #get(): Promise<DurableStoreAdapter> {
    this.#opened ??= this.#open().catch((error: unknown) => {
      this.#opened = undefined;
      throw error;
    });
    return this.#opened;
  }

  async #request<Result>(send: (storage: DurableStoreAdapter) => Promise<Result>): Promise<Result> {
    try {
      return await send(await this.#get());
    } catch (error) {
      throw error instanceof ZodError ? error : new StorageError(error);
    }
  }
}
