import type { HttpHandler } from '@azure/functions';
import { getClient } from 'durable-functions';
import { z } from 'zod';
import { flag, parseQuery } from '../../functions/query-parameters.js';
import { withErrorHandling } from '../../functions/with-error-handling.js';
import type { ThreadAccess } from '../access/thread-access.js';
import { deleteThread, type DeleteThreadOptions } from '../client/delete-thread.js';

/** `DELETE agents/{agentName}/threads/{thread_id}` */
export const deleteThreadQuery = z.object({
  /** Keeps the events of the thread. */
  keep_events: flag().default(false),
});

export interface DeleteThreadRouteOptions extends Omit<DeleteThreadOptions, 'durableClient'> {
  readonly access: ThreadAccess;
}

/** `DELETE agents/{agentName}/threads/{thread_id}`: deletes the conversation and, without `keep_events`, its events. */
export function createDeleteThreadRoute({ access, onDeleted, ...options }: DeleteThreadRouteOptions): HttpHandler {
  return withErrorHandling(async (request, context) => {
    const thread = await access.threadOf(request, context, 'delete');
    const { keep_events: keepsEvents } = parseQuery(deleteThreadQuery, request.query);
    const durableClient = getClient(context);
    await deleteThread(thread, { ...options, onDeleted: keepsEvents ? undefined : onDeleted, durableClient });
    return { status: 204, headers: { 'cache-control': 'no-store' } };
  });
}
