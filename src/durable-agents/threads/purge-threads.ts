import type { DurableClient } from 'durable-functions';
import { z } from 'zod';
import type { Logger } from '../../functions/logger.js';
import { withTimeout } from '../../functions/time-limits.js';
import type { KeyValueStore } from '../../storage/key-value-store.js';
import { deleteThread, type DeleteThreadOptions } from '../client/delete-thread.js';
import type { RunRecord } from '../runs/run-record.js';
import type { ThreadIdentity } from '../thread/thread-identity.js';

const MS_PER_DAY = 86_400_000;
const THREADS_AT_ONCE = 8;
const ENTITY_TIMEOUT_MS = 10_000;
const THREAD_TIMEOUT_MS = 15_000;
const POSITION = { partition: 'thread-purge', key: 'position' };

/** The position at which a purge stopped. */
const positionSchema = z.object({ agentName: z.string(), after: z.string().optional() });

export interface PurgeThreadsOptions extends Omit<DeleteThreadOptions, 'durableClient' | 'timeoutMs'> {
  /** Stores the position at which a purge stopped. */
  readonly storage: KeyValueStore;
  /** Threads idle for longer are deleted. Undefined: none. */
  readonly ttlDays: number | undefined;
}

export interface ThreadPurgeRun {
  readonly durableClient: DurableClient;
  /** Names of the agents whose threads are purged. */
  readonly agentNames: readonly string[];
  readonly now: Date;
  /** When aborted, the purge finishes its current threads within 15 seconds, and leaves the rest to the next purge. */
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/**
 * Removes expired tombstones, and deletes idle threads as `DELETE` does. Starts where the previous purge stopped, so
 * that threads which cannot be deleted do not block the others.
 *
 * @throws AggregateError if some threads could not be deleted. Tries all others first, unless aborted.
 */
export async function purgeThreads(options: PurgeThreadsOptions, run: ThreadPurgeRun): Promise<void> {
  const { signal, log } = run;
  const tombstoneCount = await options.tombstones.purge({ signal });
  if (tombstoneCount > 0) log.info(`Removed ${tombstoneCount} expired tombstones of deleted threads.`);
  if (options.ttlDays === undefined) return;
  const cutoff = new Date(run.now.getTime() - options.ttlDays * MS_PER_DAY);
  const failures: unknown[] = [];
  let deletedCount = 0;
  const purgeThread = async (thread: ThreadIdentity): Promise<void> => {
    try {
      const isDeleted = await withTimeout(THREAD_TIMEOUT_MS, () => deleteIfIdle(thread, cutoff, options, run));
      if (isDeleted) deletedCount += 1;
    } catch (error) {
      failures.push(error);
    }
  };
  for await (const threads of idleThreads(cutoff, options, run)) await Promise.all(threads.map(purgeThread));
  log.info(
    `Deleted ${deletedCount} threads without activity since ${cutoff.toISOString()}.` +
      (signal.aborted ? ' The time limit was reached; the next purge continues.' : ''),
  );
  if (failures.length > 0) throw new AggregateError(failures, `${failures.length} threads could not be deleted`);
}

/** Yields a few threads at a time. */
async function* idleThreads(
  cutoff: Date,
  { storage, threadIndex }: PurgeThreadsOptions,
  { agentNames, signal }: ThreadPurgeRun,
): AsyncGenerator<readonly ThreadIdentity[]> {
  const stored = await storage.read(POSITION);
  const position = stored && positionSchema.parse(JSON.parse(stored.value));
  const save = async (changed?: z.infer<typeof positionSchema>): Promise<void> => {
    const { partition, key } = POSITION;
    const value = changed && JSON.stringify(changed);
    if (value !== stored?.value) await storage.commit(partition, { key, tag: stored?.tag }, [{ key, value }]);
  };
  const first = agentNames.indexOf(position?.agentName ?? '');
  for (const agentName of agentNames.slice(Math.max(first, 0))) {
    let after = agentName === position?.agentName ? position.after : undefined;
    let batch: ThreadIdentity[] = [];
    for await (const { threadId, position: at } of threadIndex.idleSince(agentName, cutoff, after)) {
      if (signal.aborted) return save({ agentName, after });
      batch.push({ agentName, threadId });
      if (batch.length < THREADS_AT_ONCE) continue;
      yield batch;
      batch = [];
      after = at;
    }
    if (batch.length > 0) yield batch;
  }
  await save();
}

async function deleteIfIdle(
  thread: ThreadIdentity,
  cutoff: Date,
  options: PurgeThreadsOptions,
  { durableClient }: ThreadPurgeRun,
): Promise<boolean> {
  const { runRecords, threadIndex } = options;
  const [listed, open] = await Promise.all([threadIndex.find(thread), runRecords.listOpen(thread)]);
  if (listed === undefined || Date.parse(listed.lastActivityAt) >= cutoff.getTime()) return false;
  if (open.some((run) => isUnderWay(run, cutoff))) return false;
  await deleteThread(thread, { ...options, durableClient, timeoutMs: ENTITY_TIMEOUT_MS });
  return true;
}

/**
 * Returns whether a run is in progress. A record may stay open after a crash, but no run except a waiting one takes as
 * long as the shortest TTL.
 */
function isUnderWay({ status, createdAt, startedAt = createdAt }: RunRecord, cutoff: Date): boolean {
  return status === 'waiting_for_approval' || Date.parse(startedAt) >= cutoff.getTime();
}
