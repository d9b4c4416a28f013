import { type DurableClient, EntityId } from 'durable-functions';
import { earlierEntityKey, toEntityKey } from './thread-id.js';
import { UnavailableError } from '../../functions/unavailable-error.js';
import { TimeoutError, withTimeout } from '../../functions/time-limits.js';
import { parseThreadState, type ThreadState } from './thread-state.js';

const READ_TIMEOUT_MS = 5000;

/** Returns the name of an agent's entity. */
export function agentEntityName(agentName: string): string {
  return `dafx-${agentName}`;
}

/**
 * Returns the address of a thread's entity. A thread id with `~` or `+` costs a read, because its state may have the
 * key of an earlier version.
 */
export async function findThreadEntity(
  durableClient: DurableClient,
  agentName: string,
  threadId: string,
): Promise<EntityId> {
  const name = agentEntityName(agentName);
  const earlierKey = earlierEntityKey(threadId);
  if (earlierKey !== undefined) {
    const earlier = new EntityId(name, earlierKey);
    const { entityExists } = await durableClient.readEntityState<unknown>(earlier);
    if (entityExists) return earlier;
  }
  return new EntityId(name, toEntityKey(threadId));
}

/**
 * Reads a thread's whole committed state. Returns an empty state if there is none.
 *
 * @throws ThreadStateError if this version cannot read the state
 */
export async function readThreadState(durableClient: DurableClient, entityId: EntityId): Promise<ThreadState> {
  const stored = await durableClient.readEntityState<unknown>(entityId);
  return parseThreadState(stored.entityState);
}

/**
 * Reads the committed state of a thread.
 *
 * @returns undefined if the thread has none
 * @throws ThreadStateError if this version cannot read the state
 * @throws UnavailableError if the host does not answer in time
 */
export async function readThread(
  durableClient: DurableClient,
  agentName: string,
  threadId: string,
): Promise<ThreadState | undefined> {
  try {
    return await withTimeout(READ_TIMEOUT_MS, async () => {
      const entity = await findThreadEntity(durableClient, agentName, threadId);
      const { entityExists, entityState } = await durableClient.readEntityState<unknown>(entity);
      return entityExists ? parseThreadState(entityState) : undefined;
    });
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    throw new UnavailableError('The conversation cannot be read. Try again in a moment.', { cause: error });
  }
}
