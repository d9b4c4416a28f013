import type { HttpHandler } from '@azure/functions';
import { type AgentRegistry } from '../../durable-agents/index.js';
import { withErrorHandling } from '../../functions/with-error-handling.js';
import { eventThreadOf } from './event-thread-of.js';
import type { CallbackEventStore } from '../store/callback-event-store.js';

/** `DELETE …/callbacks/{thread_id}`: removes what is kept of a thread's runs, not its conversation. */
export function createResetEventsRoute(store: CallbackEventStore, agents: AgentRegistry): HttpHandler {
  return withErrorHandling(async (request) => {
    await store.clear(eventThreadOf(request, agents));
    return { status: 204 };
  });
}
