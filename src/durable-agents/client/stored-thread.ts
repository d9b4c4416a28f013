import { type DurableClient, EntityId } from 'durable-functions';
import { agentEntityName } from '../entity/agent-entity.js';
import { parseThreadState, type ThreadState } from '../thread/thread-state.js';

/** Addresses the entity that keeps a thread. */
export function threadEntityId(agentName: string, threadId: string): EntityId {
  return new EntityId(agentEntityName(agentName), threadId);
}

/**
 * Reads a thread's committed state, whole; that of a thread without one is empty.
 *
 * @throws ThreadStateError for a state that this version cannot read; other errors when it could not be had
 */
export async function readStoredThread(
  durableClient: DurableClient,
  agentName: string,
  threadId: string,
): Promise<ThreadState> {
  const stored = await durableClient.readEntityState<unknown>(threadEntityId(agentName, threadId));
  return parseThreadState(stored.entityState);
}
