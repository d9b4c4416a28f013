import type { Logger } from '../../../functions/logger.js';
import type { DurableEventStore } from '../durable/durable-event-store.js';
import { MS_PER_DAY } from '../durable/store-timeouts.js';
import type { TableStoreAdapter } from './table-store-adapter.js';

export interface PurgeOptions {
  readonly store: Pick<DurableEventStore, 'dropEventsBefore'>;
  readonly adapter: Pick<TableStoreAdapter, 'threadsFromBefore' | 'removeThread' | 'noteOldest'>;
  /** Older events are dropped. */
  readonly ttlDays: number;
  readonly now: Date;
  /** When aborted, the purge finishes the threads at hand and leaves the rest to the next call. */
  readonly signal: AbortSignal;
  readonly log: Logger;
}

const THREADS_AT_ONCE = 4;

/**
 * Drops expired events of a service that does not do so itself: the oldest events of a thread, or the whole thread if
 * nothing in it is newer. Threads without expired events are not read.
 *
 * @throws AggregateError if some of the threads could not be purged; the others were
 */
export async function purgeExpiredEvents(options: PurgeOptions): Promise<void> {
  const { store, adapter, ttlDays, now, signal, log } = options;
  const cutoff = new Date(now.getTime() - ttlDays * MS_PER_DAY).toISOString();
  const failures: unknown[] = [];
  let trimmed = 0;
  let removed = 0;
  const threads = adapter.threadsFromBefore(cutoff);
  const work = async (): Promise<void> => {
    for await (const found of threads) {
      try {
        if (await adapter.removeThread(found, cutoff, now)) {
          removed += 1;
        } else {
          const { droppedCount, oldestAt } = await store.dropEventsBefore(found.thread, cutoff);
          if (droppedCount > 0) trimmed += 1;
          // Without an event left, the next purge looks again: the thread can then be removed.
          if (oldestAt !== undefined) await adapter.noteOldest(found.thread, oldestAt);
        }
      } catch (error) {
        failures.push(error);
      }
      if (signal.aborted) return;
    }
  };
  await Promise.all(Array.from({ length: THREADS_AT_ONCE }, work));
  log.info(
    `Purged events from before ${cutoff}: trimmed ${trimmed} threads and removed ${removed}.` +
      (signal.aborted ? ' The time limit was reached; the next purge continues.' : ''),
  );
  if (failures.length > 0) throw new AggregateError(failures, `${failures.length} threads could not be purged`);
}
