import type { CallbackEvent } from '../domain/callback-event.js';
import { eventJsons, parseEvent } from './event-json.js';
import type { CallbackEventPage, CallbackEventStore, ListOptions } from '../store/callback-event-store.js';
import type { EventThread } from '../domain/event-thread.js';
import type { StoredEvent } from '../domain/stored-event.js';
import { type RunRecord, winningAttempt } from '../domain/run-record.js';

const SCAN_LIMIT = 1000;

/** Which of a thread's events are wanted. */
export interface EventFilter {
  /** Only those of one run. */
  readonly correlationId?: string | undefined;
  readonly eventType?: CallbackEvent['event_type'] | undefined;
  /** Also those of attempts that a later one has taken the place of. Default: false. */
  readonly superseded?: boolean | undefined;
}

/**
 * Reads a page of a thread's events, as {@link CallbackEventStore.list} does, but only those that a filter lets through.
 */
export async function readEvents(
  store: CallbackEventStore,
  thread: EventThread,
  filter: EventFilter,
  options: ListOptions = {},
): Promise<CallbackEventPage> {
  const { limit = Infinity } = options;
  const isSearch = filter.correlationId !== undefined || filter.eventType !== undefined;
  let scanLimit = isSearch ? SCAN_LIMIT : limit;
  let found: StoredEvent[] = [];
  let runs = new Map<string, RunRecord>();
  let reset = false;
  let after = options.after;
  for (let isFirst = true; ; isFirst = false) {
    const page = await store.list(thread, { ...(after && { after }), limit: scanLimit });
    const isEnd = page.events.length < scanLimit;
    const wanted = page.events.filter((event) => isWanted(event, page.runs, filter));
    const isEnough = wanted.length === limit || (isEnd && wanted.length < limit);
    // As it came from the store: readers who get the same page share what is made of it.
    if (isFirst && isEnough && wanted.length === page.events.length) return page;
    if (page.reset) {
      // What was found so far is gone as well.
      found = [];
      runs = new Map();
      reset = true;
    }
    found.push(...wanted);
    for (const [correlationId, run] of page.runs) runs.set(correlationId, run);
    const isFull = found.length >= limit;
    if (isFull || isEnd) {
      const events = isFull ? found.slice(0, limit) : found;
      const last = events.at(-1);
      const next = isFull && last !== undefined ? { ...page.next, sequence: last.sequence } : page.next;
      return { ...page, events: withoutSuperseded(events, runs, filter), runs, reset, next };
    }
    after = page.next;
    // Where events are left out there are likely to be more of them: a small page would be filled one read at a time.
    scanLimit = SCAN_LIMIT;
  }
}

/** Whether there are events behind a page. Not for a record that was cleared: its newest sequence is still told. */
export function hasMore({ events, next, head }: CallbackEventPage): boolean {
  return events.length > 0 && head !== undefined && next.sequence < head.newestSequence;
}

/** The events of a page as they are served. */
export function eventsOf(page: CallbackEventPage): CallbackEvent[] {
  return eventJsons(page).map(parseEvent);
}

function isWanted(
  { correlationId, eventType, attempt }: StoredEvent,
  runs: ReadonlyMap<string, RunRecord>,
  filter: EventFilter,
): boolean {
  return (
    (filter.correlationId === undefined || correlationId === filter.correlationId) &&
    (filter.eventType === undefined || eventType === filter.eventType) &&
    (filter.superseded === true || !isSuperseded(attempt, runs.get(correlationId)))
  );
}

/** An attempt can have been superseded after the first of several pages was read. */
function withoutSuperseded(
  events: readonly StoredEvent[],
  runs: ReadonlyMap<string, RunRecord>,
  { superseded }: EventFilter,
): readonly StoredEvent[] {
  if (superseded === true) return events;
  return events.filter(({ attempt, correlationId }) => !isSuperseded(attempt, runs.get(correlationId)));
}

function isSuperseded(attempt: number, run: RunRecord | undefined): boolean {
  return run !== undefined && attempt < winningAttempt(run);
}
