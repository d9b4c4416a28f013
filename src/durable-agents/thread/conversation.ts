import { z } from 'zod';
import { responseError, messageText, type ThreadEntry, type ThreadState } from './thread-state.js';

const time = z.iso.datetime().nullable();

const conversationMessageSchema = z.object({
  role: z.enum(['user', 'assistant', 'system', 'tool']),
  /** The text. For a failed response, the reason. */
  text: z.string(),
  created_at: time,
  /** The run that the message belongs to. `null` if the stored entry names none. */
  correlation_id: z.string().nullable(),
  /** `failed` for the request and the response of a run that failed. */
  status: z.enum(['ok', 'failed']),
  author: z.string().optional(),
});

/** The answer to `GET agents/{agentName}/threads/{thread_id}`: a page of a conversation, oldest message first. */
export const conversationSchema = z.object({
  thread_id: z.string(),
  session_id: z.string(),
  agent_name: z.string(),
  created_at: time,
  updated_at: time,
  /** Number of entries (requests and responses) in the thread. */
  message_count: z.int(),
  messages: z.array(conversationMessageSchema),
  /** True if the oldest turns were dropped because the thread exceeded its limit. */
  truncated: z.boolean().optional(),
});

export type ConversationMessage = z.infer<typeof conversationMessageSchema>;

export interface ConversationPageOptions {
  readonly limit: number;
  /** Only messages before this position. Undefined: up to the newest. */
  readonly before?: number | undefined;
}

export interface ConversationPage {
  readonly messages: readonly ConversationMessage[];
  /** Position of the page's first message, to read the previous page. Undefined if there is none. */
  readonly previous: number | undefined;
}

/**
 * Returns the last messages of a conversation, or the last ones before a position. Omits messages without text, such as
 * tool calls and their results. Positions count all messages of the thread, so they stay valid while it grows and while
 * its oldest turns are dropped.
 */
export function conversationPage(
  { data }: ThreadState,
  { limit, before = Infinity }: ConversationPageOptions,
): ConversationPage {
  const firstPosition = data.truncation?.evictedMessageCount ?? 0;
  const shown = messagesOf(data.conversationHistory)
    .map((message, index) => ({ message, position: firstPosition + index }))
    .filter(({ message, position }) => message.text !== '' && position < before);
  const page = shown.slice(-limit);
  return {
    messages: page.map(({ message }) => message),
    previous: shown.length > page.length ? page[0]?.position : undefined,
  };
}

/** Returns a stored time in UTC. `null` if it is missing or invalid. */
export function storedTime(text: string | null | undefined): string | null {
  const date = new Date(text ?? '');
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

function messagesOf(history: readonly ThreadEntry[]): ConversationMessage[] {
  const failures = history.filter((entry) => responseError(entry) !== undefined);
  const failedRuns = new Set(failures.map(({ correlationId }) => correlationId).filter((id) => id !== undefined));
  return history.flatMap((entry) => {
    const isFailed = responseError(entry) !== undefined || failedRuns.has(entry.correlationId ?? '');
    return (entry.messages ?? []).map((message): ConversationMessage => {
      const { role, createdAt, authorName, contents = [] } = message;
      const errors = contents.map((content) => (content.$type === 'error' ? (content.message ?? '') : ''));
      return {
        role,
        text: messageText({ role, contents }) + errors.join(''),
        created_at: storedTime(createdAt ?? entry.createdAt),
        correlation_id: entry.correlationId ?? null,
        status: isFailed ? 'failed' : 'ok',
        ...(authorName && { author: authorName }),
      };
    });
  });
}
