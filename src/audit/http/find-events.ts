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
  /** Only events after this cursor. Default: from the oldest stored one. */
  readonly after?: EventCursor | undefined;
  /** At most this many events, which may also be fewer than there are if they are large. Undefined: all of them. */
  readonly limit?: number | undefined;
  readonly messages: MessageRepetition;
  /** Bytes of JSON after which a page with a limit is cut; it always has at least one event. */
  readonly maxPageBytes: number;
  /** Bytes of JSON that an answer without a limit may have. */
  readonly maxAnswerBytes: number;
}

/** Events of a thread that a filter lets through. */
export interface FoundEvents {
  readonly thread: EventThread;
  readonly events: readonly StoredEvent[];
  readonly runs: ReadonlyMap<string, RecordedRun>;
  /** About how many bytes of JSON the events have. */
  readonly byteLength: number;
  /** True when what `after` stands for is lost: the events begin with the oldest stored one instead. */
  readonly reset: boolean;
  /** Where to read on. */
  readonly next: EventCursor;
  readonly hasMore: boolean;
  /** The head when the search began: never newer than the events. Undefined while the thread is unknown. */
  readonly head: ThreadHead | undefined;
}

/** Whether there are events after a page of a store. */
export function hasMore({ events, next, head }: CallbackEventPage): boolean {
  // A cleared log still reports its newest sequence.
  return events.length > 0 && head !== undefined && next.sequence < head.newestSequence;
}

/**
 * Reads a thread's log in pages until it has what was asked for.
 *
 * @throws HttpError 413 when all events are too much for one answer
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
    // Where events are left out there are likely to be more of them: a small page would fill one read at a time.
    pageLimit = PAGE_LIMIT;
  }
}

class Search {
  /** Undefined: from the oldest stored event on. */
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

  /** @returns whether that is all that can be returned */
  add(page: CallbackEventPage): boolean {
    if (page.reset) {
      // What was found so far is gone as well.
      [this.#events, this.#runs, this.#byteLength, this.#head] = [[], new Map(), 0, undefined];
      this.#isReset = true;
    }
    this.#head ??= page.head;
    for (const [correlationId, run] of page.runs) this.#runs.set(correlationId, run);
    this.next = page.next;
    return this.#addEvents(page);
  }

  result(): FoundEvents {
    // An attempt can have been superseded after its events were read.
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
    `The thread's events are more than ${maxAnswerBytes} bytes of JSON. Read them in pages with ?limit=1000 and ` +
      '?after=, send each request message once with ?request_message=once, or use /export.',
  );
}
