import type { HttpHandler } from '@azure/functions';
import { getClient } from 'durable-functions';
import { z } from 'zod';
import { HttpError } from '../../functions/http-error.js';
import { parseQuery, wholeNumber } from '../../functions/query-parameters.js';
import { withErrorHandling } from '../../functions/with-error-handling.js';
import type { ThreadAccess } from '../access/thread-access.js';
import { isEmptyState } from '../approvals/waiting-run.js';
import { ThreadStateError } from '../errors.js';
import { conversationPage, type conversationSchema, storedTime } from '../thread/conversation.js';
import { readThread } from '../thread/thread-entity.js';

/** `GET agents/{agentName}/threads/{thread_id}` */
export const conversationQuery = z.object({
  limit: wholeNumber(1, 1000).default(100),
  before: z
    .string()
    .regex(/^\d{1,15}$/, 'the x-next-cursor of an earlier page')
    .transform(Number)
    .optional(),
});

/**
 * `GET agents/{agentName}/threads/{thread_id}`: returns the conversation from the thread's entity, page by page from
 * its end.
 */
export function createConversationRoute(access: ThreadAccess): HttpHandler {
  return withErrorHandling(async (request, context) => {
    const { agentName, threadId } = await access.threadOf(request, context, 'read');
    const query = parseQuery(conversationQuery, request.query);
    const state = await readThread(getClient(context), agentName, threadId).catch((error: unknown) => {
      if (error instanceof ThreadStateError) throw new HttpError(500, error.message, { cause: error });
      throw error;
    });
    // Without turns there may be a run that waits, or the turns were dropped to make room for it.
    if (state === undefined || (isEmptyState(state) && state.data.truncation === undefined)) {
      throw new HttpError(404, 'There is no conversation with this thread_id.');
    }
    const { conversationHistory: history } = state.data;
    const { messages, previous } = conversationPage(state, query);
    return {
      headers: {
        'cache-control': 'no-store',
        'x-has-more': String(previous !== undefined),
        ...(previous !== undefined && { 'x-next-cursor': String(previous) }),
      },
      jsonBody: {
        thread_id: threadId,
        session_id: threadId,
        agent_name: agentName,
        created_at: storedTime(history[0]?.createdAt),
        updated_at: storedTime(history.at(-1)?.createdAt),
        message_count: history.length,
        messages: [...messages],
        ...(state.data.truncation && { truncated: true }),
      } satisfies z.infer<typeof conversationSchema>,
    };
  });
}
