import type { HttpHandler } from '@azure/functions';
import { type AgentRegistry } from '../../durable-agents/index.js';
import { withErrorHandling } from '../../functions/with-error-handling.js';
import type { CallbackEventStore, EventThreadSummary } from '../store/callback-event-store.js';
import { parseQuery, threadsQuery } from './event-query.js';
import { agentNameOf } from './event-thread-of.js';

/** `GET agents/{agentName}/threads`: the threads that have events, the one with the latest event first. */
export function createThreadsRoute(store: CallbackEventStore, agents: AgentRegistry): HttpHandler {
  return withErrorHandling(async (request) => {
    const agentName = agentNameOf(request, agents);
    const { limit, cursor } = parseQuery(threadsQuery, request.query);
    const threads = (await store.listThreads(agentName))
      .map((thread) => ({ thread, place: `${thread.lastEventAt},${thread.threadId}` }))
      .toSorted((one, other) => (one.place < other.place ? 1 : -1))
      .filter(({ place }) => cursor === undefined || place < cursor);
    const page = threads.slice(0, limit);
    const last = threads.length > limit ? page.at(-1) : undefined;
    return {
      headers: {
        'cache-control': 'no-store',
        'access-control-expose-headers': 'x-next-cursor, x-has-more',
        'x-has-more': String(last !== undefined),
        ...(last && { 'x-next-cursor': encodeURI(last.place) }),
      },
      jsonBody: page.map(({ thread }) => toWire(thread)),
    };
  });
}

function toWire(thread: EventThreadSummary): Readonly<Record<string, string | number>> {
  return {
    thread_id: thread.threadId,
    first_event_at: thread.firstEventAt,
    last_event_at: thread.lastEventAt,
    event_count: thread.eventCount,
    run_count: thread.runCount,
    failed_run_count: thread.failedRunCount,
    last_event_type: thread.lastEventType,
    input_token_count: thread.inputTokenCount,
    output_token_count: thread.outputTokenCount,
    total_token_count: thread.totalTokenCount,
  };
}
