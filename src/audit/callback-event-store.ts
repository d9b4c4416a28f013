import type { NewCallbackEvent } from './callback-event.js';

/** Whose events: a thread belongs to one agent, so two agents may use the same thread id. */
export interface EventThread {
  /** In its registered spelling. */
  readonly agentName: string;
  readonly threadId: string;
}

export interface ListOptions {
  /** Only events with a greater sequence. Default: 0, from the oldest kept one. */
  readonly after?: number;
  /** At most so many, 1 or more. Default: all. */
  readonly limit?: number;
}

/** Some events of one thread, without a gap between them. */
export interface CallbackEventPage {
  /** The events as one JSON array, oldest first, in UTF-8; `[]` when there are none. See {@link CallbackEvent}. */
  readonly json: Uint8Array;
  /** How many events `json` holds. */
  readonly count: number;
  /** The sequence of the last event in `json`; absent when there are none. */
  readonly lastSequence?: number;
}

export interface EventThreadSummary extends EventThread {
  /** How many events are kept. */
  readonly eventCount: number;
  /** The sequence of the newest event; also of one that was cleared. */
  readonly lastSequence: number;
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
   * Waits until there may be something new to read behind `after`: at once when the thread has a later event, else
   * when one is appended or the thread is cleared. A thread that is not known yet is waited for.
   *
   * @returns false when `signal` was aborted first
   */
  waitForChange(thread: EventThread, after: number, signal: AbortSignal): Promise<boolean>;

  /** Removes a thread's events. Later ones go on counting where the removed ones ended. No error if there are none. */
  clear(thread: EventThread): Promise<void>;

  /** The threads that hold events, the one with the latest event first. */
  listThreads(): Promise<EventThreadSummary[]>;
}
