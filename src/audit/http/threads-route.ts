import type { HttpHandler } from '@azure/functions';
import type { ThreadAccess } from '../../durable-agents/index.js';
import { parseQuery } from '../../functions/query-parameters.js';
import { withErrorHandling } from '../../functions/with-error-handling.js';
import type { CallbackEventStore, EventThreadSummary } from '../store/callback-event-store.js';
import { threadsQuery } from './callback-request.js';

type ThreadPlace = Pick<EventThreadSummary, 'lastEventAt' | 'threadId'>;

/** `GET agents/{agentName}/threads`: the threads that have events, the one with the newest event first. */
export function createThreadsRoute(store: CallbackEventStore, access: ThreadAccess): HttpHandler {
  const listThreads = createSharedList(store);
  return withErrorHandling(async (request) => {
    const { agentName, owner } = await access.agentOf(request);
    const { limit, cursor } = parseQuery(threadsQuery, request.query);
    const all = await listThreads(agentName);
    const threads = owner === undefined ? all : await access.ownThreads(agentName, all, owner);
    const rest = cursor === undefined ? threads : threads.filter((thread) => compare(thread, cursor) < 0);
    const page = rest.slice(0, limit);
    const last = rest.length > limit ? page.at(-1) : undefined;
    return {
      headers: {
        'cache-control': 'no-store',
        'x-has-more': String(last !== undefined),
        ...(last && { 'x-next-cursor': formatPlace(last) }),
      },
      jsonBody: page.map(toWire),
    };
  });
}

/** Requests that come while a list is being read get that list. */
function createSharedList(store: CallbackEventStore): (agentName: string) => Promise<readonly EventThreadSummary[]> {
  const reads = new Map<string, Promise<readonly EventThreadSummary[]>>();
  return (agentName) => {
    const underWay = reads.get(agentName);
    if (underWay !== undefined) return underWay;
    const read = store
      .listThreads(agentName)
      .then((threads) => threads.toSorted((one, other) => compare(other, one)))
      .finally(() => reads.delete(agentName));
    reads.set(agentName, read);
    return read;
  };
}

/** By the time of the last event, then by id: positive if `one` is the later one. */
function compare(one: ThreadPlace, other: ThreadPlace): number {
  if (one.lastEventAt !== other.lastEventAt) return one.lastEventAt > other.lastEventAt ? 1 : -1;
  if (one.threadId !== other.threadId) return one.threadId > other.threadId ? 1 : -1;
  return 0;
}

/** Thread ids may hold characters that a header cannot. */
function formatPlace({ lastEventAt, threadId }: ThreadPlace): string {
  return `${lastEventAt},${Buffer.from(threadId).toString('base64url')}`;
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
