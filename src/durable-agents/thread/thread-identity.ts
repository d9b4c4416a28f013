import { createHash } from 'node:crypto';

/** A thread of an agent. */
export interface ThreadIdentity {
  /** The agent's name in its registered spelling. */
  readonly agentName: string;
  readonly threadId: string;
}

/** Names a thread in stored keys: 32 hex digits. Thread ids can be personal, and longer than a key may be. */
export function threadHash(threadId: string): string {
  return createHash('sha256').update(threadId.toWellFormed()).digest('hex').slice(0, 32);
}

/** The partition of a `KeyValueStore` that keeps what belongs to a thread and its runs. */
export function threadPartition({ agentName, threadId }: ThreadIdentity): string {
  return `thread|${agentName}|${threadHash(threadId)}`;
}

/** The partition of a `KeyValueStore` that lists an agent's threads, and the figures of their runs. */
export function threadsPartition(agentName: string): string {
  return `threads|${agentName}`;
}
