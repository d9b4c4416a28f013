import type { EventCursor } from '../domain/event-cursor.js';
import type { EventThread } from '../domain/event-thread.js';
import type { ThreadHead } from '../domain/thread-head.js';
import type { CallbackEventPage, CallbackEventStore } from '../store/callback-event-store.js';
import { hasMore } from './find-events.js';

const PAGE_LIMIT = 50;

/** A reader that has seen all events of a thread so far. */
export interface Follower {
  /** Where the reader is. */
  readonly position: EventCursor;
  /** The head that it has seen. */
  readonly head: ThreadHead | undefined;
  /** Takes the page after its position. @returns false when it cannot take more of them now */
  take(page: CallbackEventPage): boolean;
}

/** Reads new events of a thread once for all readers that wait for them. */
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
   * Hands new pages to a reader until it leaves.
   *
   * @returns when it has left: it asked to, it cannot take more, it is at another position, or the store has failed
   */
  follow(follower: Follower): Promise<void> {
    return new Promise((resolve) => {
      this.#followers.set(follower, resolve);
      if (!this.#isReading) void this.#read(follower);
      // The reader or the feed has seen less than the other: reading once more shows which.
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
        this.#hand(page);
        [this.#position, this.#head] = [page.next, page.head];
        isBehind = hasMore(page);
      }
    } catch {
      // Each reader reads for itself now, and reports what is wrong.
      for (const follower of this.#followers.keys()) this.leave(follower);
    } finally {
      this.#isReading = false;
    }
  }

  async #change(): Promise<void> {
    // One serves for many changes: a signal for each would cost more than all else.
    if (this.#wait.signal.aborted) this.#wait = new AbortController();
    await this.#store.waitForChange(this.#thread, this.#head, this.#wait.signal);
  }

  #hand(page: CallbackEventPage): void {
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
