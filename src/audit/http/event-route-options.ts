import type { AgentRegistry } from '../../durable-agents/index.js';
import type { CallbackEventStore } from '../store/callback-event-store.js';

/** What the endpoints work with that serve a thread's events. */
export interface EventRouteOptions {
  readonly store: CallbackEventStore;
  readonly agents: AgentRegistry;
}
