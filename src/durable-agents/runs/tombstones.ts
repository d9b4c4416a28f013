import { z } from 'zod';
import { type KeyValueStore, readPages, retryCommit } from '../../storage/key-value-store.js';
import { waitingStateOf, withWaitingState } from '../approvals/waiting-run.js';
import { type ThreadIdentity, threadPartition } from '../thread/thread-identity.js';
import { createThreadState, ownedBy, ownerOf, type ThreadEntry, type ThreadState } from '../thread/thread-state.js';
import type { NewRun, RunRecord } from './run-record.js';

const KEPT_MS = 24 * 60 * 60 * 1000;
/** Maximum number of expired tombstones that a deletion removes. */
const REMOVED_PER_DELETION = 10;
/** Lists the partitions of tombstones by deletion time, for the purge of expired ones. */
const INDEX_PARTITION = 'tombstones';
const INDEX_PAGE = 100;
/** Sorts after all other keys of a thread, which the deletion removes. */
export const TOMBSTONE_KEY = '~deleted';

const tombstoneSchema = z.object({
  /** When the thread was deleted: ISO 8601 in UTC. */
  deletedAt: z.string(),
  /** Correlation ids of runs that were open then. Their signals may still arrive. */
  pending: z.array(z.string()),
  /** When the entity deleted the conversation: ISO 8601 in UTC. Undefined: not yet. */
  emptiedAt: z.string().optional(),
});

/** Marks a thread as deleted. Contains nothing of the thread; its partition is a hash of the thread id. */
export type Tombstone = Readonly<z.infer<typeof tombstoneSchema>>;

/** Parses a tombstone. Undefined if there is none, or if it is older than 24 hours, after which no signal arrives. */
export function parseTombstone(text: string | undefined, now: Date): Tombstone | undefined {
  if (text === undefined) return undefined;
  const tombstone = tombstoneSchema.parse(JSON.parse(text));
  return now.getTime() - Date.parse(tombstone.deletedAt) > KEPT_MS ? undefined : tombstone;
}

/**
 * Returns whether a signal belongs to the deleted thread and not to a later one with the same id.
 *
 * @param record - the run's record. Undefined if there is none: records of the deleted thread are cancelled, then
 * removed
 */
export function refuses(
  { deletedAt, pending }: Tombstone,
  { correlationId, createdAt }: Pick<NewRun, 'correlationId' | 'createdAt'>,
  record: RunRecord | undefined,
): boolean {
  if (!pending.includes(correlationId)) return record === undefined && !(Date.parse(createdAt) > Date.parse(deletedAt));
  // A later request with the same idempotency key has the same id.
  const isCancelled = record?.status === 'cancelled' || record?.cancelRequestedAt !== undefined;
  return record === undefined || isCancelled || Date.parse(record.createdAt) < Date.parse(deletedAt);
}

/** Stores for 24 hours which threads were deleted, so that late signals do not revive them. */
export class Tombstones {
  readonly #store: KeyValueStore;
  readonly #now: () => Date;

  constructor(store: KeyValueStore, now: () => Date = () => new Date()) {
    this.#store = store;
    this.#now = now;
  }

  async find(thread: ThreadIdentity): Promise<Tombstone | undefined> {
    const stored = await this.#store.read({ partition: threadPartition(thread), key: TOMBSTONE_KEY });
    return parseTombstone(stored?.value, this.#now());
  }

  /** Records that the thread is deleted. @param openRuns - correlation ids of its open runs */
  async bury(thread: ThreadIdentity, openRuns: readonly string[]): Promise<Tombstone> {
    // Cleans up here, because timers never fire on the local host.
    await this.purge({ limit: REMOVED_PER_DELETION });
    const deletedAt = this.#now().toISOString();
    const partition = threadPartition(thread);
    const key = `${deletedAt}|${partition}`;
    // The index comes first, so that it lists every tombstone. A conflict means that it already does.
    await this.#store.commit(INDEX_PARTITION, { key, tag: undefined }, [{ key, value: partition }]);
    return this.#change(thread, (earlier) => ({
      deletedAt,
      pending: [...new Set([...(earlier?.pending ?? []), ...openRuns])],
    }));
  }

  /** Records that the entity has deleted everything older than `deletedAt`. */
  async noteEmptied(thread: ThreadIdentity, deletedAt: string): Promise<void> {
    const emptiedAt = this.#now().toISOString();
    await this.#change(thread, (earlier) =>
      earlier !== undefined && earlier.deletedAt <= deletedAt ? { ...earlier, emptiedAt } : undefined,
    );
  }

  /**
   * Removes expired tombstones of all processes, oldest first.
   *
   * @param options.limit - maximum number
   * @param options.signal - stops after the current one
   * @returns the number of removed tombstones
   */
  async purge({ limit = Infinity, signal }: { limit?: number; signal?: AbortSignal }): Promise<number> {
    const before = new Date(this.#now().getTime() - KEPT_MS).toISOString();
    let removed = 0;
    const pages = readPages(this.#store, INDEX_PARTITION, { from: '-', before }, Math.min(limit, INDEX_PAGE));
    for await (const rows of pages) {
      for (const { key, value: partition, tag } of rows) {
        if (removed >= limit || signal?.aborted === true) return removed;
        await this.#removeExpired(partition);
        await this.#store.commit(INDEX_PARTITION, { key, tag }, [{ key, value: undefined }]);
        removed += 1;
      }
    }
    return removed;
  }

  /** Removes an expired tombstone, unless the thread was deleted again since. */
  async #removeExpired(partition: string): Promise<void> {
    const stored = await this.#store.read({ partition, key: TOMBSTONE_KEY });
    if (stored === undefined || parseTombstone(stored.value, this.#now()) !== undefined) return;
    const guard = { key: TOMBSTONE_KEY, tag: stored.tag };
    await this.#store.commit(partition, guard, [{ key: TOMBSTONE_KEY, value: undefined }]);
  }

  async #change<Changed extends Tombstone | undefined>(
    thread: ThreadIdentity,
    change: (earlier: Tombstone | undefined) => Changed,
  ): Promise<Changed> {
    const partition = threadPartition(thread);
    const { tombstone } = await retryCommit(async () => {
      const stored = await this.#store.read({ partition, key: TOMBSTONE_KEY });
      const changed = change(parseTombstone(stored?.value, this.#now()));
      if (changed === undefined) return { tombstone: changed };
      const changes = [{ key: TOMBSTONE_KEY, value: JSON.stringify(changed) }];
      const tag = await this.#store.commit(partition, { key: TOMBSTONE_KEY, tag: stored?.tag }, changes);
      return tag === undefined ? undefined : { tombstone: changed };
    });
    return tombstone;
  }
}

/** Returns a thread's state without the turns from before its deletion. */
export function stateAfter(state: ThreadState, deletedAt: string): ThreadState {
  const history = state.data.conversationHistory;
  const isOld = ({ createdAt }: Pick<ThreadEntry, 'createdAt'>): boolean =>
    !(Date.parse(createdAt ?? '') > Date.parse(deletedAt));
  const oldEntries = history.filter(isOld);
  const waiting = waitingStateOf(state);
  const waitingRun = waiting.waitingRun && isOld(waiting.waitingRun.request) ? undefined : waiting.waitingRun;
  const deferredRuns = waiting.deferredRuns.filter((run) => !isOld(run));
  const isKept = waitingRun === waiting.waitingRun && deferredRuns.length === waiting.deferredRuns.length;
  if (oldEntries.length === 0 && isKept) return state;
  // The response to an old request may be newer than the deletion.
  const oldRuns = new Set(oldEntries.map(({ correlationId }) => correlationId));
  const conversationHistory = history.filter((entry) => !isOld(entry) && !oldRuns.has(entry.correlationId));
  const owner = ownerOf(state);
  const turns = { ...createThreadState(), data: { conversationHistory } };
  const rest = withWaitingState(turns, { waitingRun, deferredRuns, pastApprovals: [] });
  return owner === undefined ? rest : ownedBy(rest, owner);
}
