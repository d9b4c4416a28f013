import type { CallbackEvent } from './callback-event.js';
import type { CallbackEventPage, CallbackEventStore, EventThread, ListOptions } from './callback-event-store.js';

const SCAN_LIMIT = 1000;

/** Which of a thread's events are wanted. */
export interface EventFilter {
  /** Only those of one run. */
  readonly correlationId?: string | undefined;
  readonly eventType?: CallbackEvent['event_type'] | undefined;
}

/** Reads a page of a thread's events, as {@link CallbackEventStore.list} does, but only those that a filter lets through. */
export async function readEvents(
  store: CallbackEventStore,
  thread: EventThread,
  filter: EventFilter,
  options: ListOptions = {},
): Promise<CallbackEventPage> {
  if (filter.correlationId === undefined && filter.eventType === undefined) return store.list(thread, options);
  const { limit = Infinity } = options;
  let found: CallbackEvent[] = [];
  let reset = false;
  let after = options.after;
  for (;;) {
    const page = await store.list(thread, { ...(after && { after }), limit: SCAN_LIMIT });
    // What was found so far may be gone as well.
    if (page.reset) found = [];
    reset ||= page.reset;
    found.push(...eventsOf(page).filter((event) => isWanted(event, filter)));
    const isFull = found.length >= limit;
    if (isFull || page.count < SCAN_LIMIT) {
      found.length = Math.min(found.length, limit);
      const last = found.at(-1);
      const next = isFull && last !== undefined ? { ...page.next, sequence: last.sequence } : page.next;
      return { ...page, json: Buffer.from(JSON.stringify(found)), count: found.length, reset, next };
    }
    after = page.next;
  }
}

/** The events of a page; each as JSON is, to the letter, what the page holds. */
export function eventsOf(page: CallbackEventPage): CallbackEvent[] {
  // Written by this app, in the shape of the type.
  const events: CallbackEvent[] = JSON.parse(Buffer.from(page.json).toString());
  return events;
}

function isWanted(event: CallbackEvent, { correlationId, eventType }: EventFilter): boolean {
  return (
    (correlationId === undefined || event.correlation_id === correlationId) &&
    (eventType === undefined || event.event_type === eventType)
  );
}
