import type { EventThread } from './callback-event-store.js';
import type { EventRecord } from './event-cursor.js';
import type { EventStorage } from './event-storage.js';

const OPEN_AGAIN_MS = 500;

/** A storage that is opened when it is needed first, and again with the next request if that failed. */
export class StorageConnection {
  readonly #open: () => Promise<EventStorage>;
  #opened: Promise<EventStorage> | undefined;

  constructor(open: () => Promise<EventStorage>) {
    this.#open = open;
  }

  get(): Promise<EventStorage> {
    this.#opened ??= this.#open().catch((error: unknown) => {
      this.#opened = undefined;
      throw error;
    });
    return this.#opened;
  }

  /** See {@link FollowThread}; begins as soon as the storage can be opened. */
  follow(thread: EventThread, announce: (record: EventRecord | undefined) => void): () => void {
    let stop: (() => void) | undefined;
    let timer: NodeJS.Timeout | undefined;
    let isStopped = false;
    const follow = async (): Promise<void> => {
      try {
        const storage = await this.get();
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
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    // Nothing is to be closed of what could not be opened.
    const storage = await opened?.catch(() => undefined);
    await storage?.close();
  }
}
