import { setTimeout as delay } from 'node:timers/promises';
import type { CallbackEventStore } from '../../src/audit/store/callback-event-store.js';
import type { EventThread } from '../../src/audit/domain/event-thread.js';
import { StorageError } from '../../src/storage/storage-error.js';

const READ_EVERY_MS = 100;

/** The observations of a reader that polls a thread. */
export interface ReaderReport {
  readonly reads: number;
  /** The number of answers that reported an unreachable store. */
  readonly refusals: number;
  /** Empty if there are no violations. */
  readonly problems: readonly string[];
}

/** Reads a thread until `ended` is aborted. Events must not disappear, even during an outage. */
export async function readAgainAndAgain(
  store: CallbackEventStore,
  thread: EventThread,
  ended: AbortSignal,
): Promise<ReaderReport> {
  let [reads, refusals, seen] = [0, 0, 0];
  const problems: string[] = [];
  while (!ended.aborted) {
    reads += 1;
    try {
      const { events } = await store.list(thread);
      if (events.length < seen) problems.push(`there were ${seen} events, then ${events.length}`);
      if (events.some(({ sequence }, index) => sequence !== index + 1)) problems.push('there is a gap');
      seen = Math.max(seen, events.length);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      refusals += 1;
    }
    await delay(READ_EVERY_MS);
  }
  return { reads, refusals, problems };
}
