import type { EventCursor } from '../domain/event-cursor.js';
import type { EventThread } from '../domain/event-thread.js';
import type { ThreadHead } from '../domain/thread-head.js';
import type { AppendResult } from '../domain/thread-changes.js';
import type { StoredEvent, NewEvent } from '../domain/stored-event.js';
import type { OpenAttempt, RunDescription, RecordedRun } from '../domain/recorded-run.js';

/** The kinds of event stores. */
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
  /** Cursor for the next page. */
  readonly next: EventCursor;
  /** The head when the page was read, never newer than the events. Undefined while the thread is unknown. */
  readonly head?: ThreadHead;
}

/**
 * Stores the events of all threads and their runs. Each thread's events stay in the order in which they were appended.
 * Methods reject with a `StorageError` if the store is unreachable, so an outage never looks like an empty thread. Any
 * other error, such as unreadable data, would recur with the next request.
 */
export interface CallbackEventStore {
  readonly kind: EventStoreKind;

  /**
   * Starts an attempt of a run. It gets the next number and supersedes the earlier ones.
   *
   * If a delivery was cut off from the store for more than 30 s, and the store knows one that started later, the
   * delivery is superseded from the start: it gets the number of the later one, and its events are rejected.
   *
   * @param token - id of the attempt. A repeated call with the same token returns the same number.
   * @param startedAt - when the entity started it, by its host's clock: ISO 8601 in UTC
   * @param startedMs - the same time on this process's monotonic clock (`performance.now()`). @default now
   */
  beginAttempt(
    thread: EventThread,
    run: RunDescription,
    token: string,
    startedAt: string,
    startedMs?: number,
  ): Promise<OpenAttempt>;

  /**
   * Adds events of an attempt, all or none. Skips events that the store already has, by their index. Missing events
   * before them count as lost.
   *
   * @param firstIndex - index of the first event within its attempt, from 0
   * @param events - at most {@link MAX_APPENDED_EVENTS}
   * @throws RangeError for more
   */
  append(attempt: OpenAttempt, firstIndex: number, events: readonly NewEvent[]): Promise<AppendResult>;

  /** Returns a run; undefined if it is unknown or its events were cleared. */
  readRun(thread: EventThread, correlationId: string): Promise<RecordedRun | undefined>;

  /** Returns a thread's events; none for an unknown thread. */
  list(thread: EventThread, options?: ListOptions): Promise<CallbackEventPage>;

  /** Returns the head of a thread's log; undefined for an unknown thread. The cheapest read. */
  readHead(thread: EventThread): Promise<ThreadHead | undefined>;

  /**
   * Waits until a thread's head differs from `seen` in epoch or version. May return early. Never rejects: it keeps
   * trying while the service is unreachable.
   *
   * @param seen - `undefined`: the thread was unknown
   * @returns false if `signal` was aborted first
   */
  waitForChange(thread: EventThread, seen: ThreadHead | undefined, signal: AbortSignal): Promise<boolean>;

  /**
   * Removes a thread's events and runs. Later events continue the sequence. If the stored head cannot be read, they
   * start at 1.
   */
  clear(thread: EventThread): Promise<void>;

  /** Resolves if the store answers. */
  ping(): Promise<void>;

  /** Stops timers and ends the waits of {@link waitForChange}. */
  close(): Promise<void>;
}

/** Maximum number of events per append. */
export const MAX_APPENDED_EVENTS = 90;

/** @throws RangeError for more than {@link MAX_APPENDED_EVENTS} */
export function checkAppendSize(events: readonly unknown[]): void {
  if (events.length <= MAX_APPENDED_EVENTS) return;
  throw new RangeError(`At most ${MAX_APPENDED_EVENTS} events can be appended at once, not ${events.length}.`);
}
