import type { HttpHandler, HttpRequest, HttpResponseInit } from '@azure/functions';
import type { z } from 'zod';
import { type AgentRegistry, answering, isNotModified } from '../durable-agents/index.js';
import type { CallbackEventPage, CallbackEventStore, EventThread } from './callback-event-store.js';
import { formatCursor } from './event-cursor.js';
import { listQuery, parseQuery } from './event-query.js';
import { eventThreadOf } from './event-thread-of.js';
import { readEvents } from './read-events.js';

/** `GET …/callbacks/{thread_id}`: the events as a JSON array; what a reader needs to go on is in the headers. */
export function createListEventsRoute(store: CallbackEventStore, agents: AgentRegistry): HttpHandler {
  return answering(async (request) => {
    const thread = eventThreadOf(request, agents);
    const page = await readOrWait(store, thread, parseQuery(listQuery, request.query), request);
    const etag = etagOf(page);
    const headers = {
      'x-next-cursor': formatCursor(page.next),
      'x-has-more': String(hasMore(page)),
      ...(page.reset && { 'x-cursor-reset': 'true' }),
      etag,
      'cache-control': 'private, no-cache',
      // A page on another origin, where the host allows it, reads no other headers.
      'access-control-expose-headers': 'x-next-cursor, x-has-more, x-cursor-reset, etag',
    };
    if (isNotModified(request, etag)) return { status: 304, headers };
    return { headers: { 'content-type': 'application/json', ...headers }, body: page.json } satisfies HttpResponseInit;
  });
}

/** Waits, if it is asked to, while there is nothing that the reader does not have. */
async function readOrWait(
  store: CallbackEventStore,
  thread: EventThread,
  query: z.infer<typeof listQuery>,
  request: HttpRequest,
): Promise<CallbackEventPage> {
  const { after, limit, correlation_id: correlationId, event_type: eventType, wait } = query;
  const options = { ...(after && { after }), ...(limit !== undefined && { limit }) };
  const read = (): Promise<CallbackEventPage> => readEvents(store, thread, { correlationId, eventType }, options);
  const hasNothingNew = (page: CallbackEventPage): boolean =>
    (page.count === 0 && !page.reset) || (isNotModified(request, etagOf(page)) && !hasMore(page));
  let page = await read();
  if (wait === 0) return page;
  const timeout = AbortSignal.timeout(wait * 1000);
  while (hasNothingNew(page) && (await store.waitForChange(thread, page.next, timeout))) page = await read();
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
