import type { CallbackEvent, NewCallbackEvent } from './callback-event.js';
import type { EventCursor, EventRecord } from './event-cursor.js';

/** Whose events: a thread belongs to one agent, so two agents may use the same thread id. */
export interface EventThread {
  /** In its registered spelling. */
  readonly agentName: string;
  readonly threadId: string;
}

export interface ListOptions {
  /** Only events behind it. Default: from the oldest kept one. */
  readonly after?: EventCursor;
  /** At most so many, 1 or more. Default: all. */
  readonly limit?: number;
}

/** Some events of one thread, without a gap between them. */
export interface CallbackEventPage {
  /** The events as one JSON array, oldest first, in UTF-8; `[]` when there are none. See {@link CallbackEvent}. */
  readonly json: Uint8Array;
  /** How many events `json` holds. */
  readonly count: number;
  /** True when what `after` stands for is lost: the page begins with the oldest kept event instead. */
  readonly reset: boolean;
  /** Where to read on. */
  readonly next: EventCursor;
  /** The record when the page was read; absent while the thread has none. */
  readonly record?: EventRecord;
}

/** What there is to know of a thread without reading its events. */
export interface EventThreadSummary extends EventThread {
  /** How many events are kept. */
  readonly eventCount: number;
  /** Of the first event since the record began or was cleared, and of the newest: ISO 8601 in UTC. */
  readonly firstEventAt: string;
  readonly lastEventAt: string;
  readonly lastEventType: CallbackEvent['event_type'];
  /** Since the record began or was cleared, like all that follow. */
  readonly runCount: number;
  readonly failedRunCount: number;
  readonly inputTokenCount: number;
  readonly outputTokenCount: number;
  readonly totalTokenCount: number;
}

/**
 * Keeps the events of all threads, each thread's in the order in which they were appended. Methods reject when the
 * store cannot be reached: that must never look like an empty thread.
 */
export interface CallbackEventStore {
  /** Adds an event to the thread that it names. @returns its sequence */
  append(event: NewCallbackEvent): Promise<number>;

  /** A thread's events; none for a thread that is unknown. */
  list(thread: EventThread, options?: ListOptions): Promise<CallbackEventPage>;

  /**
   * Waits until reading behind `after` would bring something: at once when it already would, an event or a reset, else
   * when an event is appended, or the thread is cleared or dropped. A thread that is not known yet is waited for.
   *
   * @returns false when `signal` was aborted first
   */
  waitForChange(thread: EventThread, after: EventCursor, signal: AbortSignal): Promise<boolean>;

  /** Removes a thread's events. Later ones go on counting where the removed ones ended. No error if there are none. */
  clear(thread: EventThread): Promise<void>;

  /** The threads that hold events, the one with the latest event first. */
  listThreads(): Promise<EventThreadSummary[]>;
}
