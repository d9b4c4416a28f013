import type { EventCursor } from '../domain/event-cursor.js';
import type { EventThread } from '../domain/event-thread.js';
import type { ThreadHead } from '../domain/thread-head.js';
import type { CallbackEventPage, CallbackEventStore } from '../store/callback-event-store.js';
import { hasMore } from './find-events.js';

const PAGE_LIMIT = 50;

/** A reader that has received all events of a thread so far. */
export interface Follower {
  /** Current position of the reader. */
  readonly position: EventCursor;
  /** The thread's head that the reader knows. */
  readonly head: ThreadHead | undefined;
  /** Receives the page after its position. @returns whether it can receive more */
  take(page: CallbackEventPage): boolean;
}

/** Reads new events of a thread once for all of its readers. */
export class ThreadFeed {
  readonly #store: CallbackEventStore;
  readonly #thread: EventThread;
  readonly #followers = new Map<Follower, () => void>();
  #position: EventCursor = { sequence: 0 };
  #head: ThreadHead | undefined;
  #wait = new AbortController();
  #isReading = false;

  constructor(store: CallbackEventStore, thread: EventThread) {
    this.#store = store;
    this.#thread = thread;
  }

  /**
   * Passes new pages to a reader until it leaves.
   *
   * @returns a promise that resolves when the reader leaves, cannot receive more or has another position, or the store fails
   */
  follow(follower: Follower): Promise<void> {
    return new Promise((resolve) => {
      this.#followers.set(follower, resolve);
      if (!this.#isReading) void this.#read(follower);
      // Either the reader or the feed lags behind. Another read shows which.
      else if (!isSameHead(this.#head, follower.head)) this.#wait.abort();
    });
  }

  leave(follower: Follower): void {
    const resolve = this.#followers.get(follower);
    if (resolve === undefined) return;
    this.#followers.delete(follower);
    resolve();
    if (this.#followers.size === 0) this.#wait.abort();
  }

  async #read({ position, head }: Follower): Promise<void> {
    this.#isReading = true;
    [this.#position, this.#head] = [position, head];
    try {
      for (let isBehind = false; this.#followers.size > 0;) {
        if (!isBehind) await this.#change();
        if (this.#followers.size === 0) break;
        const page = await this.#store.list(this.#thread, { after: this.#position, limit: PAGE_LIMIT });
        this.#deliver(page);
        [this.#position, this.#head] = [page.next, page.head];
        isBehind = hasMore(page);
      }
    } catch {
      // Each reader now reads the store itself and reports the error.
      for (const follower of this.#followers.keys()) this.leave(follower);
    } finally {
      this.#isReading = false;
    }
  }

  async #change(): Promise<void> {
    // Reuse the signal: creating one per change would dominate the cost.
    if (this.#wait.signal.aborted) this.#wait = new AbortController();
    await this.#store.waitForChange(this.#thread, this.#head, this.#wait.signal);
  }

  #deliver(page: CallbackEventPage): void {
    for (const follower of this.#followers.keys()) {
      const { sequence, epoch } = follower.position;
      const isHere = sequence === this.#position.sequence && epoch === this.#position.epoch;
      if (!isHere || !follower.take(page)) this.leave(follower);
    }
  }
}

function isSameHead(one: ThreadHead | undefined, other: ThreadHead | undefined): boolean {
  return one?.epoch === other?.epoch && one?.version === other?.version;
}
