import type { EventCursor } from '../domain/event-cursor.js';
import type { EventThread } from '../domain/event-thread.js';
import type { ThreadHead } from '../domain/thread-head.js';
import type { AppendResult } from '../domain/thread-changes.js';
import type { StoredEvent, NewEvent } from '../domain/stored-event.js';
import type { OpenAttempt, RunDescription, RecordedRun } from '../domain/recorded-run.js';

/** Where events can be kept. */
export type EventStoreKind = 'memory' | 'table' | 'redis' | 'cosmos';

export interface ListOptions {
  /** Only events after it. @default before the oldest stored event */
  readonly after?: EventCursor;
  /** Maximum number of events, 1 or more. @default all */
  readonly limit?: number;
}

/** Some events of one thread, without a gap between them. */
export interface CallbackEventPage {
  readonly thread: EventThread;
  /** Oldest first, of all attempts. */
  readonly events: readonly StoredEvent[];
  /** The runs of the events and of the thread's newest attempt, by correlation id. */
  readonly runs: ReadonlyMap<string, RecordedRun>;
  /** True if `after` is lost: the page begins with the oldest stored event instead. */
  readonly reset: boolean;
  /** Where to continue. */
  readonly next: EventCursor;
  /** The head when the page was read, never newer than the events. Undefined while the thread is unknown. */
  readonly head?: ThreadHead;
}

/**
 * Keeps the events of all threads, those of each thread in the order in which they were appended, and what each run
 * shares. Methods reject with a `StorageError` if the store cannot be reached, so that this never looks like an empty
 * thread. Any other error, such as unreadable stored data, would recur with the next request.
 */
export interface CallbackEventStore {
  readonly kind: EventStoreKind;

  /**
   * Begins an attempt of a run: it gets the next number and supersedes the earlier ones.
   *
   * A delivery that was cut off from the store for more than 30 s is superseded from the start if the store knows one that
   * began after it: it gets that one's number, and its events are rejected.
   *
   * @param token names the attempt; a repeated call with the same token returns the same number
   * @param startedAt when the entity began it, by its host's clock: ISO 8601 in UTC
   * @param startedMs the same moment on this process's monotonic clock (`performance.now()`). @default now
   */
  beginAttempt(
    thread: EventThread,
    run: RunDescription,
    token: string,
    startedAt: string,
    startedMs?: number,
  ): Promise<OpenAttempt>;

  /**
   * Adds events of an attempt, all or none. Events that the store has already, by their index, are not added again. Events
   * that are missing before them count as lost.
   *
   * @param firstIndex index of the first event within its attempt, from 0
   * @param events at most {@link MAX_APPENDED_EVENTS}
   * @throws RangeError for more
   */
  append(attempt: OpenAttempt, firstIndex: number, events: readonly NewEvent[]): Promise<AppendResult>;

  /** @returns undefined for an unknown run, or one whose events were cleared */
  readRun(thread: EventThread, correlationId: string): Promise<RecordedRun | undefined>;

  /** Returns a thread's events; none for an unknown thread. */
  list(thread: EventThread, options?: ListOptions): Promise<CallbackEventPage>;

  /** Returns the head of a thread's log; undefined for an unknown thread. The cheapest read there is. */
  readHead(thread: EventThread): Promise<ThreadHead | undefined>;

  /**
   * Waits until a thread's head differs from `seen` in epoch or version. May return early. Never rejects: while the
   * service cannot be reached, it keeps trying.
   *
   * @param seen `undefined`: the thread was unknown
   * @returns false when `signal` was aborted first
   */
  waitForChange(thread: EventThread, seen: ThreadHead | undefined, signal: AbortSignal): Promise<boolean>;

  /**
   * Removes a thread's events and runs. Later events continue the sequence, unless the stored head cannot be read: then
   * they begin at 1.
   */
  clear(thread: EventThread): Promise<void>;

  /** Resolves if the store answers. */
  ping(): Promise<void>;

  /** Ends timers and the waits of {@link waitForChange}. */
  close(): Promise<void>;
}

/** Maximum number of events per append. */
export const MAX_APPENDED_EVENTS = 90;

/** @throws RangeError for more than {@link MAX_APPENDED_EVENTS} */
export function checkAppendSize(events: readonly unknown[]): void {
  if (events.length <= MAX_APPENDED_EVENTS) return;
  throw new RangeError(`At most ${MAX_APPENDED_EVENTS} events can be appended at once, not ${events.length}.`);
}
