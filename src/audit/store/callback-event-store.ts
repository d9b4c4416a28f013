import type { CallbackEventFields } from '../domain/callback-event.js';
import type { EventCursor, EventRecord } from '../domain/event-cursor.js';
import type { StoredEvent, NewEvent } from '../domain/stored-event.js';
import type { RunDescription, RunMark, RunRecord } from '../domain/run-record.js';

/** Where events can be kept. */
export type EventStoreKind = 'memory' | 'table' | 'redis' | 'cosmos';

/** Whose events: a thread belongs to one agent, so two agents may use the same thread id. */
export interface EventThread {
  /** In its registered spelling. */
  readonly agentName: string;
  readonly threadId: string;
}

/** An attempt that a store was told of, for its writer. */
export interface OpenAttempt {
  readonly thread: EventThread;
  readonly run: RunDescription;
  readonly attempt: number;
  readonly token: string;
  /** When the entity began with it, by the clock of its host: ISO 8601 in UTC. */
  readonly startedAt: string;
}

/** What became of events that were given to a store. */
export type AppendResult =
  | {
      readonly status: 'kept';
      /** How many events of the attempt the store has not got: its next index was behind that of the first one given. */
      readonly lostEvents: number;
    }
  /** Another attempt has begun: nothing of this one is taken any more. */
  | { readonly status: 'superseded' };

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
  /** The runs of the events and of the record's newest attempt, by correlation id. */
  readonly runs: ReadonlyMap<string, RunRecord>;
  /** True when what `after` stands for is lost: the page begins with the oldest kept event instead. */
  readonly reset: boolean;
  /** Where to read on. */
  readonly next: EventCursor;
  /** The record when the page was read; absent while the thread has none. */
  readonly record?: EventRecord;
}

/** What there is to know of a thread without reading its events. */
export interface EventThreadSummary extends EventThread {
  /** How many events are kept, with those of superseded attempts. */
  readonly eventCount: number;
  /** Of the first event since the record began or was cleared, and of the newest: ISO 8601 in UTC. */
  readonly firstEventAt: string;
  readonly lastEventAt: string;
  readonly lastEventType: CallbackEventFields['event_type'];
  /** Since the record began or was cleared, like all that follow. A run that was delivered again counts once. */
  readonly runCount: number;
  readonly failedRunCount: number;
  /** Tokens that were used, also by attempts that were superseded after their end. */
  readonly inputTokenCount: number;
  readonly outputTokenCount: number;
  readonly totalTokenCount: number;
}

/**
 * Keeps the events of all threads, each thread's in the order in which they were appended, and a record of each run.
 * Methods reject with an `EventStoreError` when the store cannot be reached: that must never look like an empty thread.
 * Another error, as of a record that cannot be read, would come again with the next request.
 */
export interface CallbackEventStore {
  readonly kind: EventStoreKind;

  /** Notes that a run was accepted, unless it is known already. @returns what is known of it */
  acceptRun(thread: EventThread, run: RunDescription): Promise<RunRecord>;

  /**
   * Begins an attempt of a run: it gets the next number, and supersedes the earlier ones.
   *
   * One that is heard of late is superseded from the start: the run's answer to the same request is in the conversation,
   * or an attempt is known that began more than 30 s after it. It gets the number of that one, and all its events are
   * refused. Attempts that began closer to each other count in the order in which the store hears of them, as the
   * clocks of their hosts may differ; a host delivers to another one only after a minute.
   *
   * @param token names the attempt: the same one again gives the same number
   * @param startedAt when the entity began with it, by the clock of its host: ISO 8601 in UTC
   */
  beginAttempt(thread: EventThread, run: RunDescription, token: string, startedAt: string): Promise<OpenAttempt>;

  /**
   * Adds events of an attempt, all or none. Those that the store has already, by their index, are not added again; one
   * that is missing before them is taken for lost.
   *
   * @param firstIndex of the first event among all of its attempt, from 0
   * @param events 90 at the most
   * @throws RangeError when there are more
   */
  append(attempt: OpenAttempt, firstIndex: number, events: readonly NewEvent[]): Promise<AppendResult>;

  /**
   * Sets a mark on a run. Nothing happens when it is set, when the run is not known, or when the answer in the
   * conversation is not that of the latest attempt: then what readers see of the run is not to be called committed.
   *
   * @returns what is known of the run, with the mark if it is set; `undefined` for one that is unknown
   */
  markRun(thread: EventThread, correlationId: string, mark: RunMark): Promise<RunRecord | undefined>;

  /** What is known of a run; `undefined` for one that is unknown, or whose events were cleared. */
  readRun(thread: EventThread, correlationId: string): Promise<RunRecord | undefined>;

  /** A thread's events; none for a thread that is unknown. */
  list(thread: EventThread, options?: ListOptions): Promise<CallbackEventPage>;

  /**
   * Waits until a thread's record is another one than `seen`, or a later version of it: by what was appended, begun,
   * marked, cleared or dropped. May return early, and never rejects: a service that cannot be reached is asked again. A
   * thread that is not known yet is waited for.
   *
   * @param seen `undefined`: the thread was unknown
   * @returns false when `signal` was aborted first
   */
  waitForChange(thread: EventThread, seen: EventRecord | undefined, signal: AbortSignal): Promise<boolean>;

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
