import type { EventCursor } from '../domain/event-cursor.js';
import type { EventThread } from '../domain/event-thread.js';
import type { ThreadHead, ThreadTotals } from '../domain/thread-head.js';
import type { AppendResult } from '../domain/thread-changes.js';
import type { StoredEvent, NewEvent } from '../domain/stored-event.js';
import type { OpenAttempt, RunDescription, RecordedRun } from '../domain/recorded-run.js';

/** Where events can be kept. */
export type EventStoreKind = 'memory' | 'table' | 'redis' | 'cosmos';

export interface ListOptions {
  /** Only events behind it. Default: from the oldest kept one. */
  readonly after?: EventCursor;
  /** At most so many, 1 or more. Default: all. */
  readonly limit?: number;
}

/** Some events of one thread, without a gap between them. */
export interface CallbackEventPage {
  readonly thread: EventThread;
  /** Oldest first, of all attempts. */
  readonly events: readonly StoredEvent[];
  /** The runs of the events and of the thread's newest attempt, by correlation id. */
  readonly runs: ReadonlyMap<string, RecordedRun>;
  /** True when what `after` stands for is lost: the page begins with the oldest kept event instead. */
  readonly reset: boolean;
  /** Where to read on. */
  readonly next: EventCursor;
  /** The head when the page was read, never newer than the events. Undefined while the thread is unknown. */
  readonly head?: ThreadHead;
}

/** A thread's events in numbers. */
export interface EventThreadSummary extends EventThread, ThreadTotals {
  /** How many events are stored, including those of superseded attempts. */
  readonly eventCount: number;
}

/**
 * Keeps the events of all threads, each thread's in the order in which they were appended, and a record of each run.
 * Methods reject with an `StorageError` when the store cannot be reached: that must never look like an empty thread.
 * Another error, as of a record that cannot be read, would come again with the next request.
 */
export interface CallbackEventStore {
  readonly kind: EventStoreKind;

  /** Notes that a run was accepted, unless it is known already. @returns what is known of it */
  acceptRun(thread: EventThread, run: RunDescription): Promise<RecordedRun>;

  /**
   * Begins an attempt of a run: it gets the next number and supersedes the earlier ones.
   *
   * A delivery that was cut off from the store for more than 30 s is superseded from the start if one is known that
   * began after it: it gets that one's number, and its events are refused.
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
   * Adds events of an attempt, all or none. Those that the store has already, by their index, are not added again; one
   * that is missing before them is taken for lost.
   *
   * @param firstIndex of the first event among all of its attempt, from 0
   * @param events 90 at the most
   * @throws RangeError when there are more
   */
  append(attempt: OpenAttempt, firstIndex: number, events: readonly NewEvent[]): Promise<AppendResult>;

  /** What is known of a run; `undefined` for one that is unknown, or whose events were cleared. */
  readRun(thread: EventThread, correlationId: string): Promise<RecordedRun | undefined>;

  /** A thread's events; none for a thread that is unknown. */
  list(thread: EventThread, options?: ListOptions): Promise<CallbackEventPage>;

  /** The head of a thread's log; `undefined` for an unknown thread. The cheapest read there is. */
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
   * Removes a thread's events and run records. Later events go on counting where the removed ones ended, unless it cannot
   * be read where that is: then the thread begins anew.
   */
  clear(thread: EventThread): Promise<void>;

  /**
   * The agent's threads that hold events, the one with the latest event first, without those whose record cannot be read. What they sum up to may be behind the
   * events: by about a second, and for longer when a process died just after it wrote to the thread.
   */
  listThreads(agentName: string): Promise<EventThreadSummary[]>;

  /** Asks the store for a sign of life. */
  ping(): Promise<void>;

  /** Ends connections and timers, once what was to be written is written. A store that is used after it opens again. */
  close(): Promise<void>;
}

/** The most events that one call may append: what the service with the smallest transactions takes beside head and run. */
export const MAX_APPENDED_EVENTS = 90;

/** @throws RangeError for more than {@link MAX_APPENDED_EVENTS} */
export function checkAppendSize(events: readonly unknown[]): void {
  if (events.length <= MAX_APPENDED_EVENTS) return;
  throw new RangeError(`At most ${MAX_APPENDED_EVENTS} events can be appended at once, not ${events.length}.`);
}
