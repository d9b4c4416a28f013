import { app, type HttpFunctionOptions, type HttpHandler } from '@azure/functions';
import type { EventRouteOptions } from './event-route-options.js';
import type { EventStreams } from './event-streams.js';
import { createExportEventsRoute } from './export-events-route.js';
import { createListEventsRoute } from './list-events-route.js';
import { createResetEventsRoute } from './reset-events-route.js';
import { createStreamEventsRoute } from './stream-events-route.js';
import { createThreadsRoute } from './threads-route.js';

const THREAD_ROUTE = 'agents/{agentName}/callbacks/{thread_id}';

export interface CallbackRoutesOptions extends EventRouteOptions {
  readonly streams: EventStreams;
  readonly authLevel: NonNullable<HttpFunctionOptions['authLevel']>;
}

/** Registers the endpoints that serve the events of threads, and reset them. */
export function registerCallbackRoutes({ streams, authLevel, ...options }: CallbackRoutesOptions): void {
  const { store, agents } = options;
  const get = (name: string, route: string, handler: HttpHandler): void =>
    app.http(name, { methods: ['GET'], route, authLevel, handler });

  get('get_callback_events', THREAD_ROUTE, createListEventsRoute(options));
  get('stream_callback_events', `${THREAD_ROUTE}/stream`, createStreamEventsRoute({ store, agents, streams }));
  get('export_callback_events', `${THREAD_ROUTE}/export`, createExportEventsRoute(options));
  get('list_threads', 'agents/{agentName}/threads', createThreadsRoute(store, agents));
  app.http('reset_callback_events', {
    methods: ['DELETE'],
    route: THREAD_ROUTE,
    authLevel,
    handler: createResetEventsRoute(store, agents),
  });
}
