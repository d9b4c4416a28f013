import type { EventRecord } from './event-cursor.js';
import type { ThreadTotals } from './thread-totals.js';

/**
 * What a store keeps of a thread beside its events and runs. Every change to the thread changes it, under the condition
 * that nobody else did meanwhile: so sequences have no gap and no duplicate, however many write.
 */
export interface ThreadHead extends EventRecord {
  /** How often the record was cleared. What was kept before the last time is no longer reached, and free to be removed. */
  readonly generation: number;
  /** Since the record began or was cleared; absent before the first event. */
  readonly totals?: ThreadTotals;
}

/** How many events are kept. */
export function eventCountOf({ oldestSequence, newestSequence }: ThreadHead): number {
  return newestSequence - oldestSequence + 1;
}
