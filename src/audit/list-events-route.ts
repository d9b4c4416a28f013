import type { HttpHandler, HttpRequest, HttpResponseInit } from '@azure/functions';
import type { z } from 'zod';
import { type AgentRegistry, answering } from '../durable-agents/index.js';
import type { CallbackEventPage, CallbackEventStore, EventThread } from './callback-event-store.js';
import { formatCursor } from './event-cursor.js';
import { listQuery, parseQuery } from './event-query.js';
import { eventThreadOf } from './event-thread-of.js';
import { readEvents } from './read-events.js';

/** `GET …/callbacks/{thread_id}`: the events as a JSON array; what a reader needs to go on is in the headers. */
export function createListEventsRoute(store: CallbackEventStore, agents: AgentRegistry): HttpHandler {
  return answering(async (request) => {
    const thread = eventThreadOf(request, agents);
    const page = await readOrWait(store, thread, parseQuery(listQuery, request.query));
    const etag = etagOf(page);
    const headers = {
      'x-next-cursor': formatCursor(page.next),
      'x-has-more': String(hasMore(page)),
      ...(page.reset && { 'x-cursor-reset': 'true' }),
      etag,
      'cache-control': 'no-cache',
    };
    if (isNotModified(request, etag)) return { status: 304, headers };
    return { headers: { 'content-type': 'application/json', ...headers }, body: page.json } satisfies HttpResponseInit;
  });
}

async function readOrWait(
  store: CallbackEventStore,
  thread: EventThread,
  query: z.infer<typeof listQuery>,
): Promise<CallbackEventPage> {
  const { after, limit, correlation_id: correlationId, event_type: eventType, wait } = query;
  const read = (from: typeof after): Promise<CallbackEventPage> =>
    readEvents(
      store,
      thread,
      { correlationId, eventType },
      { ...(from && { after: from }), ...(limit !== undefined && { limit }) },
    );
  let page = await read(after);
  if (wait === 0) return page;
  const timeout = AbortSignal.timeout(wait * 1000);
  while (page.count === 0 && !page.reset && (await store.waitForChange(thread, page.next, timeout))) {
    page = await read(page.next);
  }
  return page;
}

/** False as well for a record that was cleared: its newest sequence is still told, but there is nothing to read. */
function hasMore({ count, next, record }: CallbackEventPage): boolean {
  return count > 0 && record !== undefined && next.sequence < record.newestSequence;
}

/** Changes with whatever a request could be answered differently for. */
function etagOf({ record }: CallbackEventPage): string {
  return record === undefined ? '"none"' : `"${record.epoch}-${record.oldestSequence}-${record.newestSequence}"`;
}

function isNotModified(request: HttpRequest, etag: string): boolean {
  const known = (request.headers.get('if-none-match') ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return known.includes(etag) || known.includes('*');
}
