import type { Logger } from '../../../functions/logger.js';
import type { EventThread } from '../../domain/event-thread.js';
import type { DurableEventStore } from '../durable/durable-event-store.js';
import { inParallel } from '../durable/in-parallel.js';
import type { TableStoreAdapter } from './table-store-adapter.js';
import { MS_PER_DAY } from '../durable/ms-per-day.js';

export interface PurgeOptions {
  readonly store: Pick<DurableEventStore, 'dropEventsBefore'>;
  readonly storage: Pick<TableStoreAdapter, 'threadsFromBefore' | 'removeThread'>;
  /** Events that are older are dropped. */
  readonly ttlDays: number;
  readonly now: Date;
  readonly log: Logger;
}

const THREADS_AT_ONCE = 4;

/**
 * Drops what has outlived its time from a service that does not do so by itself: a thread's old events from the oldest
 * end, and threads whole of which nothing is newer.
 *
 * @throws Error when some of the threads could not be looked at; the others were
 */
export async function purgeExpiredEvents({ store, storage, ttlDays, now, log }: PurgeOptions): Promise<void> {
  const cutoff = new Date(now.getTime() - ttlDays * MS_PER_DAY).toISOString();
  const threads: EventThread[] = [];
  for await (const thread of storage.threadsFromBefore(cutoff)) threads.push(thread);
  const failures: unknown[] = [];
  const removed = await inParallel(threads, THREADS_AT_ONCE, async (thread) => {
    try {
      const isRemoved = await storage.removeThread(thread, cutoff, now);
      if (!isRemoved) await store.dropEventsBefore(thread, cutoff);
      return isRemoved;
    } catch (error) {
      failures.push(error);
      return false;
    }
  });
  const removedCount = removed.filter((isRemoved) => isRemoved).length;
  log.info(`Events from before ${cutoff}: ${threads.length} threads had some, ${removedCount} are removed whole.`);
  if (failures.length > 0) {
    const message = `The events of ${failures.length} of ${threads.length} threads could not be purged`;
    throw new AggregateError(failures, message);
  }
}
