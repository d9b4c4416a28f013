import type { HttpHandler, HttpRequest } from '@azure/functions';
import type { z } from 'zod';
import type { ThreadAccess } from '../../durable-agents/index.js';
import { errorText } from '../../functions/error-text.js';
import { parseQuery } from '../../functions/query-parameters.js';
import { sseResponse } from '../../functions/sse.js';
import { withErrorHandling } from '../../functions/with-error-handling.js';
import { endOf, type EventCursor, isLost, START } from '../domain/event-cursor.js';
import type { EventThread } from '../domain/event-thread.js';
import type { CallbackEventStore } from '../store/callback-event-store.js';
import { StorageError } from '../../storage/storage-error.js';
import { streamQuery } from './callback-request.js';
import { eventIdOf, type StreamHub } from './stream-hub.js';

export interface StreamEventsOptions {
  readonly store: CallbackEventStore;
  readonly access: ThreadAccess;
  readonly streams: StreamHub;
}

/** `GET …/callbacks/{thread_id}/stream`: streams events live, from the reader's position. */
export function createStreamEventsRoute({ store, access, streams }: StreamEventsOptions): HttpHandler {
  return withErrorHandling(async (request, context) => {
    const thread = await access.threadOf(request, context, 'read');
    const query = parseQuery(streamQuery, request.query);
    const after = await startOf(request, query, store, thread);
    const { correlation_id: correlationId, superseded, until } = query;
    const untilRunEnd = until !== undefined;
    if (untilRunEnd && correlationId !== undefined && (await hasEnded(store, thread, correlationId, after))) {
      // 204 tells an EventSource not to reconnect.
      return { status: 204 };
    }
    const stream = streams.open(thread, { after, filter: { correlationId, superseded }, untilRunEnd }, context);
    stream.ended.catch((error: unknown) =>
      context.error(
        `[${context.functionName}] stream of invocation ${context.invocationId} failed: ${errorText(error)}`,
      ),
    );
    return sseResponse(stream.body);
  });
}

/** Returns the start position. The last event id wins, because an EventSource reconnects with its original URL. */
async function startOf(
  request: HttpRequest,
  { after, from, lastEventId: fromPolyfill }: z.infer<typeof streamQuery>,
  store: CallbackEventStore,
  thread: EventThread,
): Promise<EventCursor> {
  const lastEventId = request.headers.get('last-event-id');
  if (lastEventId) return eventIdOf(lastEventId);
  if (fromPolyfill !== undefined) return fromPolyfill;
  const head = await store.readHead(thread);
  if (after === undefined) return from === 'now' ? endOf(head) : START;
  // A plain sequence refers to the current log.
  return isLost(after, head) || head === undefined ? after : { ...after, epoch: head.epoch };
}

/**
 * Returns whether the reader has already received the run's last event. False while the store is unreachable, because an
 * EventSource treats any response other than a stream as final.
 */
async function hasEnded(
  store: CallbackEventStore,
  thread: EventThread,
  correlationId: string,
  after: EventCursor,
): Promise<boolean> {
  try {
    if (isLost(after, await store.readHead(thread))) return false;
    const newest = (await store.readRun(thread, correlationId))?.attempts.at(-1);
    return newest?.outcome !== undefined && newest.lastSequence !== undefined && newest.lastSequence <= after.sequence;
  } catch (error) {
    if (error instanceof StorageError) return false;
    throw error;
  }
}
