import { type HttpHandler, HttpResponse } from '@azure/functions';
import type { CallbackEvent } from '../../../src/audit/domain/callback-event.js';
import { AnswerBudget } from '../../../src/audit/http/answer-budget.js';
import { createExportEventsRoute } from '../../../src/audit/http/export-events-route.js';
import { createListEventsRoute } from '../../../src/audit/http/list-events-route.js';
import { ReaderSlots } from '../../../src/audit/http/reader-slots.js';
import { createStreamEventsRoute } from '../../../src/audit/http/stream-events-route.js';
import { StreamHub } from '../../../src/audit/http/stream-hub.js';
import { createThreadsRoute } from '../../../src/audit/http/threads-route.js';
import { ThreadIndex } from '../../../src/durable-agents/index.js';
import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';
import { appendEvents, writerFor } from '../../support/append-events.js';
import { failedEvent, finalEvent, runId, streamEvent } from '../../support/callback-events.js';
import {
  callbackInvocation,
  callbackRequest,
  type CallbackRequestParts,
  createAccess,
} from '../../support/callback-invocation.js';
import { HookedEventStore, unreachable } from '../../support/hooked-event-store.js';
import { type HttpAnswer, httpAnswer } from '../../support/http-answer.js';
import { createRecordingLog } from '../../support/recording-log.js';
import { callbackEventsOf, parseSse } from '../../support/sse-events.js';

export type Route = 'list' | 'stream' | 'export' | 'threads';

/** The endpoints of a thread over a store. */
export function createRoutes(limits: { maxAnswerBytes?: number; maxTotalBytes?: number } = {}) {
  const store = new HookedEventStore();
  const access = createAccess();
  const threadIndex = new ThreadIndex(new MemoryKeyValueStore());
  const readers = { maxOpen: 10, maxOpenPerThread: 10 };
  const polls = new ReaderSlots('long polls', readers);
  const budget = new AnswerBudget(limits.maxTotalBytes ?? 100_000_000);
  const options = { store, access, polls, budget, maxPageBytes: 10_000_000, maxAnswerBytes: 10_000_000, ...limits };
  const streams = new StreamHub({
    ...readers,
    store,
    log: createRecordingLog(),
    maxDurationMs: 60_000,
    maxRunDurationMs: 60_000,
    maxBytes: 1_000_000,
  });
  const routes: Readonly<Record<Route, HttpHandler>> = {
    list: createListEventsRoute(options),
    stream: createStreamEventsRoute({ store, access, streams }),
    export: createExportEventsRoute(options),
    threads: createThreadsRoute({ store, access, threadIndex }),
  };
  const ask = (route: Route, query = '', headers: CallbackRequestParts['headers'] = {}): Promise<HttpAnswer> =>
    httpAnswer(routes[route], callbackRequest({ query, headers }), callbackInvocation());
  /** The answer before its body is read. */
  const open = async (route: Route, query = ''): Promise<HttpResponse> =>
    new HttpResponse((await routes[route](callbackRequest({ query }), callbackInvocation())) ?? {});
  return { store, threadIndex, ask, open };
}

/** The number of event reads that still succeed. */
export function failAfter(store: HookedEventStore, reads: number): void {
  let left = reads;
  store.hooks.before = (method) => {
    if (method !== 'list') return;
    if (left === 0) unreachable();
    left -= 1;
  };
}

/** The events in an answer of the list, the JSON Lines export or a stream. */
export function eventsIn({ contentType, text }: HttpAnswer): CallbackEvent[] {
  if (contentType === 'text/event-stream') return callbackEventsOf(parseSse(text).events);
  const lines = contentType === 'application/jsonl' ? text.split('\n').slice(0, -1) : undefined;
  return lines === undefined ? JSON.parse(text) : lines.map((line) => JSON.parse(line));
}

export const placeOf = ({ sequence, attempt }: CallbackEvent) => `${sequence}:${attempt}`;

export const UNTIL_END = `until=run-end&correlation_id=${runId(1)}`;

/** A thread with two runs. The second one has two attempts. */
export async function createHistory() {
  const routes = createRoutes();
  await appendEvents(routes.store, [streamEvent(), finalEvent()], { run: 2 });
  await writerFor(routes.store).append(streamEvent('half'), failedEvent());
  await writerFor(routes.store).append(streamEvent('whole'), finalEvent('whole'));
  return routes;
}
