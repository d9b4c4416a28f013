import type { HttpHandler } from '@azure/functions';
import type { ListedThread, RunCost, ThreadAccess, ThreadIndex } from '../../durable-agents/index.js';
import { parseQuery } from '../../functions/query-parameters.js';
import { withErrorHandling } from '../../functions/with-error-handling.js';
import { eventCountOf, type ThreadHead } from '../domain/thread-head.js';
import type { CallbackEventStore } from '../store/callback-event-store.js';
import { threadsQuery } from './callback-request.js';

/** How many heads are read at the same time. */
const MAX_PARALLEL_READS = 25;

export interface ThreadsRouteOptions {
  readonly store: CallbackEventStore;
  readonly access: ThreadAccess;
  readonly threadIndex: ThreadIndex;
}

/**
 * `GET agents/{agentName}/threads`: lists an agent's threads, most recent activity first, with sums over their events.
 * A page takes one or a few reads of the index, and one small read for each of its threads.
 */
export function createThreadsRoute({ store, access, threadIndex }: ThreadsRouteOptions): HttpHandler {
  return withErrorHandling(async (request) => {
    const { agentName, owner } = await access.agentOf(request);
    const { cursor: after, q: text, ...query } = parseQuery(threadsQuery, request.query);
    const { threads, next } = await threadIndex.list(agentName, { ...query, after, text, owner });
    const heads: (ThreadHead | undefined)[] = [];
    for (let first = 0; first < threads.length; first += MAX_PARALLEL_READS) {
      const some = threads.slice(first, first + MAX_PARALLEL_READS);
      heads.push(...(await Promise.all(some.map(({ threadId }) => store.readHead({ agentName, threadId })))));
    }
    return {
      headers: {
        'cache-control': 'no-store',
        'x-has-more': String(next !== undefined),
        ...(next !== undefined && { 'x-next-cursor': next }),
      },
      jsonBody: threads.map((thread, index) => toWire(thread, heads[index])),
    };
  });
}

/** @param head - undefined if the thread has no events */
function toWire(
  thread: ListedThread,
  head: ThreadHead | undefined,
): Readonly<Record<string, string | number | null | RunCost>> {
  const totals = head?.totals;
  return {
    thread_id: thread.threadId,
    first_event_at: totals?.firstEventAt ?? null,
    last_event_at: totals?.lastEventAt ?? null,
    event_count: head === undefined ? 0 : eventCountOf(head),
    run_count: totals?.runCount ?? 0,
    failed_run_count: totals?.failedRunCount ?? 0,
    last_event_type: totals?.lastEventType ?? null,
    input_token_count: totals?.inputTokenCount ?? 0,
    output_token_count: totals?.outputTokenCount ?? 0,
    total_token_count: totals?.totalTokenCount ?? 0,
    ...(totals?.cost && { cost: totals.cost }),
    title: thread.title,
    status: thread.status,
    created_at: thread.createdAt,
    last_activity_at: thread.lastActivityAt,
  };
}
