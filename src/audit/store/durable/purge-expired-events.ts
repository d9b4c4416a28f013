import type { Logger } from '../../../functions/logger.js';
import type { DurableEventStore } from './durable-event-store.js';

export interface PurgeOptions {
  readonly store: Pick<DurableEventStore, 'threadsFromBefore' | 'dropExpiredEvents'>;
  /** Events from before this time are dropped: ISO 8601 in UTC. */
  readonly cutoff: string;
  /** When aborted, the purge finishes its current threads and leaves the rest to the next call. */
  readonly signal: AbortSignal;
  readonly log: Logger;
}

const THREADS_AT_ONCE = 4;

/**
 * Drops expired events: the oldest events of a thread, or the whole thread if nothing in it is newer. Threads without
 * expired events are not read.
 *
 * @throws AggregateError if some threads could not be purged. Tries all others first, unless aborted.
 */
export async function purgeExpiredEvents({ store, cutoff, signal, log }: PurgeOptions): Promise<void> {
  const failures: unknown[] = [];
  let trimmed = 0;
  let removed = 0;
  const threads = store.threadsFromBefore(cutoff);
  const work = async (): Promise<void> => {
    for await (const thread of threads) {
      try {
        const result = await store.dropExpiredEvents(thread, cutoff);
        if (result === 'trimmed') trimmed += 1;
        if (result === 'removed') removed += 1;
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
