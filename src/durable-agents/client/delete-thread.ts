import type { DurableClient, EntityId } from 'durable-functions';
import { pause, TimeoutError, withTimeout } from '../../functions/time-limits.js';
import { UnavailableError } from '../../functions/unavailable-error.js';
import { isEmptyState } from '../approvals/waiting-run.js';
import { ThreadStateError } from '../errors.js';
import type { RunRecords } from '../runs/run-records.js';
import { stateAfter, type Tombstones } from '../runs/tombstones.js';
import { findThreadEntity } from '../thread/thread-entity.js';
import type { ThreadIdentity } from '../thread/thread-identity.js';
import { parseThreadState } from '../thread/thread-state.js';
import type { ThreadIndex } from '../threads/thread-index.js';

const CALL_TIMEOUT_MS = 5000;
const STILL_DELETING = 'The thread is still being deleted. Repeat the request to make sure that nothing is left.';
const FIRST_PAUSE_MS = 25;
const MAX_PAUSE_MS = 500;

export interface DeleteThreadOptions {
  readonly durableClient: DurableClient;
  readonly runRecords: RunRecords;
  readonly tombstones: Tombstones;
  readonly threadIndex: ThreadIndex;
  /** Removes the thread's events. Optional. */
  readonly onDeleted?: ((thread: ThreadIdentity) => Promise<void>) | undefined;
  /** Time limit for the entity, in milliseconds. @default 25000 */
  readonly timeoutMs?: number;
}

/**
 * Deletes a thread: cancels its runs, then removes its conversation, its run records and its list entry. Safe to
 * repeat, even after a partial failure.
 *
 * @throws UnavailableError if the entity does not handle it in time (it still will later), or if the store is
 * unreachable. The next call removes the rest.
 */
export async function deleteThread(thread: ThreadIdentity, options: DeleteThreadOptions): Promise<void> {
  const { durableClient, runRecords, tombstones, threadIndex, onDeleted, timeoutMs = 25_000 } = options;
  const open = await runRecords.listOpen(thread);
  const ids = open.map(({ correlationId }) => correlationId);
  const earlier = await tombstones.find(thread);
  // The tombstone comes before the cancellations. From here on, no run starts.
  const { deletedAt } = await tombstones.bury(thread, ids);
  await Promise.all(ids.map((correlationId) => runRecords.cancel({ ...thread, correlationId })));
  const deletion = new EntityDeletion(thread, durableClient, deletedAt);
  // An open run may still add its turn, so an empty conversation is not enough: wait for the entity's deletion.
  // So may a run that an earlier deletion cancelled before it failed.
  const isUnfinished = earlier !== undefined && earlier.emptiedAt === undefined && earlier.pending.length > 0;
  const hasOpenRuns = ids.length > 0 || isUnfinished;
  if (hasOpenRuns) await deletion.signal();
  const endsAtMs = performance.now() + timeoutMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)) {
    const isEmpty = await deletion.isDone();
    if (isEmpty && (!hasOpenRuns || (await tombstones.find(thread))?.emptiedAt !== undefined)) break;
    if (!isEmpty) await deletion.signal();
    if (performance.now() > endsAtMs) throw new UnavailableError(STILL_DELETING);
    await pause(pauseMs);
  }
  await onDeleted?.(thread);
  await runRecords.clear(thread);
  await threadIndex.remove(thread);
}

/** Deletes a conversation through its entity. */
class EntityDeletion {
  readonly #thread: ThreadIdentity;
  readonly #durableClient: DurableClient;
  readonly #deletedAt: string;
  readonly #signalledKeys = new Set<string>();

  constructor(thread: ThreadIdentity, durableClient: DurableClient, deletedAt: string) {
    this.#thread = thread;
    this.#durableClient = durableClient;
    this.#deletedAt = deletedAt;
  }

  /** Signals the entity, once. */
  async signal(): Promise<void> {
    await this.#within(async () => {
      const entity = await this.#find();
      if (this.#signalledKeys.has(entity.key)) return;
      await this.#durableClient.signalEntity(entity, 'delete', { deletedAt: this.#deletedAt });
      this.#signalledKeys.add(entity.key);
    });
  }

  /** Returns whether the entity has nothing older than the deletion. */
  isDone(): Promise<boolean> {
    return this.#within(async () => {
      const { entityExists, entityState } = await this.#durableClient.readEntityState<unknown>(await this.#find());
      return !entityExists || isNewer(entityState, this.#deletedAt);
    });
  }

  #find(): Promise<EntityId> {
    const { agentName, threadId } = this.#thread;
    return findThreadEntity(this.#durableClient, agentName, threadId);
  }

  /** The host's own calls have no time limit. */
  async #within<Result>(call: () => Promise<Result>): Promise<Result> {
    try {
      return await withTimeout(CALL_TIMEOUT_MS, call);
    } catch (error) {
      if (error instanceof TimeoutError) throw new UnavailableError(STILL_DELETING, { cause: error });
      throw error;
    }
  }
}

function isNewer(stored: unknown, deletedAt: string): boolean {
  if (stored === undefined || stored === null) return true;
  try {
    const state = parseThreadState(stored);
    return !isEmptyState(state) && stateAfter(state, deletedAt) === state;
  } catch (error) {
    if (error instanceof ThreadStateError) return false;
    throw error;
  }
}
