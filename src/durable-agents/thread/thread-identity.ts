import { createHash } from 'node:crypto';

/** A thread of an agent. */
export interface ThreadIdentity {
  /** The agent's name in its registered spelling. */
  readonly agentName: string;
  readonly threadId: string;
}

/** Returns a hash for stored keys: 32 hex digits. Thread ids can be personal, and too long for a key. */
export function threadHash(threadId: string): string {
  return createHash('sha256').update(threadId.toWellFormed()).digest('hex').slice(0, 32);
}

/** Returns the partition of a `KeyValueStore` for the data of a thread and its runs. */
export function threadPartition({ agentName, threadId }: ThreadIdentity): string {
  return `thread|${agentName}|${threadHash(threadId)}`;
}

/** Returns the partition of a `KeyValueStore` for the list of an agent's threads and the figures of their runs. */
export function threadsPartition(agentName: string): string {
  return `threads|${agentName}`;
}
