import { expect } from 'vitest';
import type {
  CallbackEventPage,
  CallbackEventStore,
  ListOptions,
} from '../../../../src/audit/store/callback-event-store.js';
import type { EventThread } from '../../../../src/audit/domain/event-thread.js';
import { isLost, START } from '../../../../src/audit/domain/event-cursor.js';
import type { StoredEvent } from '../../../../src/audit/domain/stored-event.js';

/** Checks that hold for any page, even if the thread changes during the read. */
export function expectLawfulPage(
  page: CallbackEventPage,
  thread: EventThread,
  { after = START, limit = Infinity }: ListOptions = {},
): void {
  const { events, runs, head } = page;
  const reset = isLost(after, head);
  const seen = reset ? 0 : after.sequence;
  const first = Math.max(seen + 1, head?.oldestSequence ?? 1);
  const count = Math.min(limit, (head?.newestSequence ?? 0) - first + 1);
  const named = [...events, ...(head?.newestAttempt ? [head.newestAttempt] : [])];
  // One assertion, because histories read thousands of pages.
  expect({
    thread: page.thread,
    reset: page.reset,
    next: page.next,
    sequences: events.map(({ sequence }) => sequence),
    withoutAttempt: named.filter(
      ({ correlationId, attempt }) => !runs.get(correlationId)?.attempts.some((known) => known.attempt === attempt),
    ),
  }).toEqual({
    thread,
    reset,
    next: head === undefined ? START : { epoch: head.epoch, sequence: events.at(-1)?.sequence ?? seen },
    sequences: Array.from({ length: count }, (_, index) => first + index),
    withoutAttempt: [],
  });
}

/** Lists events and checks their page. */
export async function readEvents(
  store: CallbackEventStore,
  thread: EventThread,
  options?: ListOptions,
): Promise<readonly StoredEvent[]> {
  const page = await store.list(thread, options);
  expectLawfulPage(page, thread, options);
  return page.events;
}

export async function readSequences(
  store: CallbackEventStore,
  thread: EventThread,
  options?: ListOptions,
): Promise<number[]> {
  return (await readEvents(store, thread, options)).map(({ sequence }) => sequence);
}

/** Follows a thread page by page, from its start to its end. */
export async function readPages(store: CallbackEventStore, thread: EventThread, limit: number): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  for (let after = START; ;) {
    const page = await store.list(thread, { after, limit });
    expectLawfulPage(page, thread, { after, limit });
    events.push(...page.events);
    if (page.events.length < limit) return events;
    after = page.next;
  }
}

export async function readTexts(store: CallbackEventStore, thread: EventThread): Promise<string[]> {
  return (await readEvents(store, thread)).map(textOf);
}

/** The answer text in an event. */
export function textOf({ fields }: Pick<StoredEvent, 'fields'>): string {
  const { text, response_text: answer }: { text?: string; response_text?: string } = JSON.parse(`{${fields}}`);
  return text ?? answer ?? '';
}
