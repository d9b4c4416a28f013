import type { HttpHandler, HttpRequest, HttpResponseInit } from '@azure/functions';
import type { z } from 'zod';
import { withErrorHandling } from '../../functions/with-error-handling.js';
import { isNotModified } from '../../functions/is-not-modified.js';
import type { CallbackEventPage, CallbackEventStore } from '../store/callback-event-store.js';
import type { EventThread } from '../domain/event-thread.js';
import { formatCursor } from '../domain/event-cursor.js';
import { listQuery, parseQuery } from './event-query.js';
import { eventArrayBody } from './event-array-body.js';
import type { EventRouteOptions } from './event-route-options.js';
import { eventThreadOf } from './event-thread-of.js';
import { hasMore, readEvents } from './read-events.js';

/** `GET …/callbacks/{thread_id}`: the events as a JSON array; what a reader needs to go on is in the headers. */
export function createListEventsRoute({ store, agents }: EventRouteOptions): HttpHandler {
  return withErrorHandling(async (request) => {
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
    const body = eventArrayBody(page);
    return { headers: { 'content-type': 'application/json', ...headers }, body } satisfies HttpResponseInit;
  });
}

/** Waits, if it is asked to, while there is nothing that the reader does not have. */
async function readOrWait(
  store: CallbackEventStore,
  thread: EventThread,
  query: z.infer<typeof listQuery>,
  request: HttpRequest,
): Promise<CallbackEventPage> {
  const { after, limit, correlation_id: correlationId, event_type: eventType, superseded, wait } = query;
  const options = { ...(after && { after }), ...(limit !== undefined && { limit }) };
  const filter = { correlationId, eventType, superseded };
  const read = (): Promise<CallbackEventPage> => readEvents(store, thread, filter, options);
  // That none are left is new to one who had some: their thread was cleared, or another attempt has begun.
  const knowsAll = after === undefined && request.headers.has('if-none-match');
  const hasNothingNew = (page: CallbackEventPage): boolean =>
    isNotModified(request, etagOf(page)) ? !hasMore(page) : page.events.length === 0 && !page.reset && !knowsAll;
  let page = await read();
  if (wait === 0) return page;
  const timeout = AbortSignal.timeout(wait * 1000);
  while (hasNothingNew(page) && (await store.waitForChange(thread, page.head, timeout))) page = await read();
  return page;
}

/** Changes with whatever a request could be answered differently for. */
function etagOf({ head }: CallbackEventPage): string {
  return head === undefined ? '"none"' : `"${head.epoch}-${head.oldestSequence}-${head.version}"`;
}
