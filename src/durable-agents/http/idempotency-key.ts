import { createHash } from 'node:crypto';

/*
 * Ids that follow from an idempotency key: the first 32 hex digits of the SHA-256 of a JSON array of strings in UTF-8.
 * The array's first string says what the id is for, so that no thread and no run share one by construction, and JSON
 * keeps the strings apart, whatever is in them. Agent names count in lower case, as entities and routes compare them.
 */

/** Returns the thread id for requests without one: the same for each request with this key to this agent. */
export function threadIdOfKey(agentName: string, key: string): string {
  return digest('durable-agents/thread-of-key', agentName.toLowerCase(), key);
}

/** Returns the correlation id of the run that requests with this key to this thread share. */
export function correlationIdOfKey(agentName: string, threadId: string, key: string): string {
  return digest('durable-agents/run-of-key', agentName.toLowerCase(), threadId, key);
}

function digest(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}
