import type { HttpHandler, HttpRequest } from '@azure/functions';
import type { z } from 'zod';
import { withErrorHandling } from '../../functions/with-error-handling.js';
import { HttpError } from '../../functions/http-error.js';
import { sseResponse } from '../../functions/sse.js';
import type { CallbackEventStore } from '../store/callback-event-store.js';
import type { EventThread } from '../domain/event-thread.js';
import { endOf, type EventCursor, isLost, parseCursor, START } from '../domain/event-cursor.js';
import { parseQuery, streamQuery } from './event-query.js';
import type { EventStreams } from './event-streams.js';
import type { EventRouteOptions } from './event-route-options.js';
import { eventThreadOf } from './event-thread-of.js';
import { EventStoreError } from '../store/event-store-error.js';

export interface StreamEventsRouteOptions extends Pick<EventRouteOptions, 'store' | 'agents'> {
  readonly streams: EventStreams;
}

/** `GET …/callbacks/{thread_id}/stream`: the events as they come, from where the reader left off. */
export function createStreamEventsRoute({ store, agents, streams }: StreamEventsRouteOptions): HttpHandler {
  return withErrorHandling(async (request, context) => {
    const thread = eventThreadOf(request, agents);
    const query = parseQuery(streamQuery, request.query);
    const after = await startOf(request, query, store, thread);
    const { correlation_id: correlationId, superseded, until } = query;
    const untilRunEnd = until !== undefined;
    if (untilRunEnd && correlationId !== undefined && (await hasEnded(store, thread, correlationId, after))) {
      // To an EventSource, a 204 says not to connect again.
      return { status: 204 };
    }
    const wanted = { after, filter: { correlationId, superseded }, untilRunEnd };
    return sseResponse(streams.open(thread, wanted).frames, context);
  });
}

/** `Last-Event-ID` comes first: an EventSource that connects again repeats the URL, as it was at the start. */
async function startOf(
  request: HttpRequest,
  { after, from }: z.infer<typeof streamQuery>,
  store: CallbackEventStore,
  thread: EventThread,
): Promise<EventCursor> {
  const lastEventId = request.headers.get('last-event-id');
  if (lastEventId) {
    const cursor = parseCursor(lastEventId);
    if (cursor === undefined) throw new HttpError(400, 'Invalid Last-Event-ID: expected the id of an event');
    return cursor;
  }
  const head = await store.readHead(thread);
  if (after === undefined) return from === 'now' ? endOf(head) : START;
  // A plain sequence is taken for one of the record that there is now.
  return isLost(after, head) || head === undefined ? after : { ...after, epoch: head.epoch };
}

/**
 * Whether the run's last event stands at or before the cursor, so that its reader has seen it. Not while the store is out
 * of reach: to an EventSource that comes back, anything but a stream would be the end.
 */
async function hasEnded(
  store: CallbackEventStore,
  thread: EventThread,
  correlationId: string,
  after: EventCursor,
): Promise<boolean> {
  try {
    const head = await store.readHead(thread);
    if (isLost(after, head)) return false;
    const newest = (await store.readRun(thread, correlationId))?.attempts.at(-1);
    return newest?.outcome !== undefined && newest.lastSequence !== undefined && newest.lastSequence <= after.sequence;
  } catch (error) {
    if (error instanceof EventStoreError) return false;
    throw error;
  }
}
