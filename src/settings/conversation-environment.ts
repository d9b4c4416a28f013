import { z } from 'zod';
import { integer } from './environment-values.js';

/** Environment variables that limit the size and age of conversations, and the part that the model gets. */
export const conversationEnvironment = {
  AGENT_MAX_HISTORY_TOKENS: integer(1, 100_000_000).optional(),
  AGENT_MAX_HISTORY_TURNS: integer(1, 1_000_000).default(200),
  AGENT_MAX_STATE_BYTES: integer(4096, 1_073_741_824).default(900_000),
  AGENT_THREAD_TTL_DAYS: integer(1, 3650).optional(),
};

const environment = z.object(conversationEnvironment);

export function toConversationSettings(values: z.infer<typeof environment>) {
  return {
    /** Maximum tokens of a request and its history that the model gets. `undefined` means no limit. */
    maxHistoryTokens: values.AGENT_MAX_HISTORY_TOKENS,
    /** Maximum number of turns that the model gets, including the request. */
    maxHistoryTurns: values.AGENT_MAX_HISTORY_TURNS,
    /** Maximum size of a thread's stored state, in bytes of JSON. */
    maxStateBytes: values.AGENT_MAX_STATE_BYTES,
    /** Threads are deleted after this many days without a run. `undefined` means never. */
    threadTtlDays: values.AGENT_THREAD_TTL_DAYS,
  };
}
