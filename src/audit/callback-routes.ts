import { app, type HttpFunctionOptions, type HttpHandler } from '@azure/functions';
import { type AgentRegistry, answering } from '../durable-agents/index.js';
import type { CallbackEventStore } from './callback-event-store.js';
import type { EventStreams } from './event-streams.js';
import { eventThreadOf } from './event-thread-of.js';
import { createExportEventsRoute } from './export-events-route.js';
import { createListEventsRoute } from './list-events-route.js';
import { createStreamEventsRoute } from './stream-events-route.js';
import { createThreadsRoute } from './threads-route.js';

const THREAD_ROUTE = 'agents/{agentName}/callbacks/{thread_id}';

export interface CallbackRoutesOptions {
  readonly store: CallbackEventStore;
  readonly streams: EventStreams;
  readonly agents: AgentRegistry;
  readonly authLevel: NonNullable<HttpFunctionOptions['authLevel']>;
}

/** Registers the endpoints that serve the events of threads, and reset them. */
export function registerCallbackRoutes({ store, streams, agents, authLevel }: CallbackRoutesOptions): void {
  const get = (name: string, route: string, handler: HttpHandler): void =>
    app.http(name, { methods: ['GET'], route, authLevel, handler });

  get('get_callback_events', THREAD_ROUTE, createListEventsRoute(store, agents));
  get('stream_callback_events', `${THREAD_ROUTE}/stream`, createStreamEventsRoute({ store, agents, streams }));
  get('export_callback_events', `${THREAD_ROUTE}/export`, createExportEventsRoute(store, agents));
  get('list_threads', 'agents/{agentName}/threads', createThreadsRoute(store, agents));
  app.http('reset_callback_events', {
    methods: ['DELETE'],
    route: THREAD_ROUTE,
    authLevel,
    handler: answering(async (request) => {
      await store.clear(eventThreadOf(request, agents));
      return { status: 204 };
    }),
  });
}
