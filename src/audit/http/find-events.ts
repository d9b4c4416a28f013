import { HttpError } from '../../functions/http-error.js';
import type { EventCursor } from '../domain/event-cursor.js';
import type { EventThread } from '../domain/event-thread.js';
import type { RecordedRun } from '../domain/recorded-run.js';
import type { StoredEvent } from '../domain/stored-event.js';
import type { ThreadHead } from '../domain/thread-head.js';
import type { CallbackEventPage, CallbackEventStore } from '../store/callback-event-store.js';
import { type EventFilter, isSuperseded, isWanted } from './event-filter.js';
import { EventJson, type MessageRepetition } from './event-json.js';

const PAGE_LIMIT = 1000;

export interface FindOptions {
  readonly filter: EventFilter;
  /** Only events after this cursor. @default the oldest stored event */
  readonly after?: EventCursor | undefined;
  /** Maximum number of events. Large events can make a page shorter. If undefined, returns all events. */
  readonly limit?: number | undefined;
  readonly messages: MessageRepetition;
  /** Maximum bytes of JSON in a page with a limit. A page always has at least one event. */
  readonly maxPageBytes: number;
  /** Maximum bytes of JSON in a response without a limit. */
  readonly maxAnswerBytes: number;
}

/** Events of a thread that match a filter. */
export interface FoundEvents {
  readonly thread: EventThread;
  readonly events: readonly StoredEvent[];
  readonly runs: ReadonlyMap<string, RecordedRun>;
  /** Approximate size of the events in bytes of JSON. */
  readonly byteLength: number;
  /** Whether `after` is no longer valid. The events then start with the oldest stored event. */
  readonly reset: boolean;
  /** Cursor for the next read. */
  readonly next: EventCursor;
  readonly hasMore: boolean;
  /** The head when the search started, never newer than the events. Undefined for an unknown thread. */
  readonly head: ThreadHead | undefined;
}

/** Returns whether the store has events after a page. */
export function hasMore({ events, next, head }: CallbackEventPage): boolean {
  // A cleared log still reports its newest sequence.
  return events.length > 0 && head !== undefined && next.sequence < head.newestSequence;
}

/**
 * Reads pages of a thread's log until the limit or the end.
 *
 * @throws HttpError 413 if there is no limit and the events are too large for one response
 */
export async function findEvents(
  store: CallbackEventStore,
  thread: EventThread,
  options: FindOptions,
): Promise<FoundEvents> {
  const { limit = Infinity } = options;
  const isSearch = options.filter.correlationId !== undefined || options.filter.eventType !== undefined;
  const found = new Search(thread, options);
  let pageLimit = isSearch ? PAGE_LIMIT : Math.min(limit, PAGE_LIMIT);
  for (;;) {
    const { next } = found;
    const page = await store.list(thread, { ...(next && { after: next }), limit: pageLimit });
    if (found.add(page) || page.events.length < pageLimit) return found.result();
    // The filter skips events, so use large pages: small ones would need many reads.
    pageLimit = PAGE_LIMIT;
  }
}

class Search {
  /** Position to read from. Undefined means the oldest stored event. */
  next: EventCursor | undefined;
  readonly #thread: EventThread;
  readonly #options: FindOptions;
  #events: StoredEvent[] = [];
  #runs = new Map<string, RecordedRun>();
  #byteLength = 0;
  #isReset = false;
  #hasMore = false;
  #head: ThreadHead | undefined;

  constructor(thread: EventThread, options: FindOptions) {
    this.#thread = thread;
    this.#options = options;
    this.next = options.after;
  }

  /** @returns whether the search is complete */
  add(page: CallbackEventPage): boolean {
    if (page.reset) {
      // The events found so far are gone too.
      [this.#events, this.#runs, this.#byteLength, this.#head] = [[], new Map(), 0, undefined];
      this.#isReset = true;
    }
    this.#head ??= page.head;
    for (const [correlationId, run] of page.runs) this.#runs.set(correlationId, run);
    this.next = page.next;
    return this.#addEvents(page);
  }

  result(): FoundEvents {
    // A later page may show that an attempt is superseded.
    const events =
      this.#options.filter.superseded === true
        ? this.#events
        : this.#events.filter(({ attempt, correlationId }) => !isSuperseded(attempt, this.#runs.get(correlationId)));
    return {
      thread: this.#thread,
      events,
      runs: this.#runs,
      byteLength: this.#byteLength,
      reset: this.#isReset,
      next: this.next ?? { sequence: 0 },
      hasMore: this.#hasMore,
      head: this.#head,
    };
  }

  #addEvents(page: CallbackEventPage): boolean {
    const { filter, limit, messages, maxPageBytes, maxAnswerBytes } = this.#options;
    const json = new EventJson(page);
    const runsWithMessage = new Set(messages === 'once' ? this.#events.map(({ correlationId }) => correlationId) : []);
    for (const event of page.events) {
      if (!isWanted(event, page.runs, filter)) continue;
      const byteLength = json.sizeOf(event, messages === 'each' || !runsWithMessage.has(event.correlationId));
      const isTooMuch = this.#byteLength + byteLength > (limit === undefined ? maxAnswerBytes : maxPageBytes);
      if (isTooMuch && limit === undefined) throw tooLarge(maxAnswerBytes);
      if (isTooMuch && this.#events.length > 0) return this.#endBefore(event, page);
      runsWithMessage.add(event.correlationId);
      this.#events.push(event);
      this.#byteLength += byteLength;
      if (this.#events.length === limit) return this.#endBefore({ sequence: event.sequence + 1 }, page);
    }
    return false;
  }

  #endBefore({ sequence }: Pick<StoredEvent, 'sequence'>, { next, head }: CallbackEventPage): true {
    this.next = { ...next, sequence: sequence - 1 };
    this.#hasMore = head !== undefined && sequence <= head.newestSequence;
    return true;
  }
}

function tooLarge(maxAnswerBytes: number): HttpError {
  return new HttpError(
    413,
    `The thread's events exceed ${maxAnswerBytes} bytes of JSON. Read them in pages with ?limit=1000 and ` +
      '?after=, send each request message once with ?request_message=once, or use /export.',
  );
}
