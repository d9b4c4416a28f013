import { app, type HttpFunctionOptions, type HttpRequest } from '@azure/functions';
import { type AgentRegistry, answering, checkedThreadId, HttpError } from '../durable-agents/index.js';
import type { CallbackEventStore, EventThread } from './callback-event-store.js';

const ROUTE = 'agents/{agentName}/callbacks/{thread_id}';

export interface CallbackRoutesOptions {
  readonly store: CallbackEventStore;
  readonly agents: AgentRegistry;
  readonly authLevel: NonNullable<HttpFunctionOptions['authLevel']>;
}

/** Registers the endpoints that serve the events of a thread, and reset them. */
export function registerCallbackRoutes({ store, agents, authLevel }: CallbackRoutesOptions): void {
  app.http('get_callback_events', {
    methods: ['GET'],
    route: ROUTE,
    authLevel,
    handler: answering(async (request) => {
      const page = await store.list(threadOf(request, agents));
      return { headers: { 'content-type': 'application/json' }, body: page.json };
    }),
  });
  app.http('reset_callback_events', {
    methods: ['DELETE'],
    route: ROUTE,
    authLevel,
    handler: answering(async (request) => {
      await store.clear(threadOf(request, agents));
      return { status: 204 };
    }),
  });
}

/** The host has already decoded route parameters; decoding them again would let `%252F` through as `/`. */
function threadOf({ params }: HttpRequest, agents: AgentRegistry): EventThread {
  const name = params['agentName'] ?? '';
  const registered = agents.find(name);
  if (registered === undefined) throw new HttpError(404, `There is no agent with the name "${name}".`);
  return { agentName: registered.agent.name, threadId: checkedThreadId(params['thread_id']) };
}
