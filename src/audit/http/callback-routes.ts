import { app, type HttpFunctionOptions, type HttpHandler } from '@azure/functions';
import type { ThreadIndex } from '../../durable-agents/index.js';
import { withErrorHandling } from '../../functions/with-error-handling.js';
import { AnswerBudget } from './answer-budget.js';
import { createExportEventsRoute } from './export-events-route.js';
import { createListEventsRoute, type ListEventsOptions } from './list-events-route.js';
import { type ReaderLimits, ReaderSlots } from './reader-slots.js';
import { createStreamEventsRoute } from './stream-events-route.js';
import type { StreamHub } from './stream-hub.js';
import { createThreadsRoute } from './threads-route.js';

const THREAD_ROUTE = 'agents/{agentName}/callbacks/{thread_id}';

/** Size limits for the responses of the callback endpoints. */
export interface AnswerLimits extends Pick<ListEventsOptions, 'maxPageBytes' | 'maxAnswerBytes'> {
  /** Total bytes of large responses that are being sent at the same time. */
  readonly maxTotalBytes: number;
}

export interface CallbackRoutesOptions extends Pick<ListEventsOptions, 'store' | 'access'> {
  readonly streams: StreamHub;
  readonly threadIndex: ThreadIndex;
  readonly answerLimits: AnswerLimits;
  /** Limits for requests that long-poll. */
  readonly pollLimits: ReaderLimits;
  readonly authLevel: NonNullable<HttpFunctionOptions['authLevel']>;
}

/** Registers the endpoints that serve and clear the events of threads. */
export function registerCallbackRoutes(options: CallbackRoutesOptions): void {
  const { store, access, threadIndex, streams, answerLimits, pollLimits, authLevel } = options;
  const budget = new AnswerBudget(answerLimits.maxTotalBytes);
  const polls = new ReaderSlots('long polls', pollLimits);
  const get = (name: string, route: string, handler: HttpHandler): void =>
    app.http(name, { methods: ['GET'], route, authLevel, extraInputs: access.extraInputs, handler });

  get('get_callback_events', THREAD_ROUTE, createListEventsRoute({ store, access, polls, budget, ...answerLimits }));
  get('stream_callback_events', `${THREAD_ROUTE}/stream`, createStreamEventsRoute({ store, access, streams }));
  get(
    'export_callback_events',
    `${THREAD_ROUTE}/export`,
    createExportEventsRoute({ store, access, budget, ...answerLimits }),
  );
  get('list_threads', 'agents/{agentName}/threads', createThreadsRoute({ store, access, threadIndex }));
  app.http('reset_callback_events', {
    methods: ['DELETE'],
    route: THREAD_ROUTE,
    authLevel,
    extraInputs: access.extraInputs,
    // Deletes the events of the thread's runs, not its conversation.
    handler: withErrorHandling(async (request, context) => {
      await store.clear(await access.threadOf(request, context, 'delete'));
      return { status: 204 };
    }),
  });
}
