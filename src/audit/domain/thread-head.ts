import { randomBytes } from 'node:crypto';
import type { ThreadTotals } from './thread-totals.js';

/**
 * What a store knows of a thread's log besides its events and runs. Every change to the thread replaces the head, on
 * the condition that it is still the one that was read. So sequences have no gap and no duplicate with any number of
 * writers.
 */
export interface ThreadHead {
  /** Names the log: new when a log begins, and again on each clear. Epochs of one thread sort by age. */
  readonly epoch: string;
  /** Counts every change: events, attempts, and removals. */
  readonly version: number;
  /** Sequence of the oldest stored event; `newestSequence + 1` when none is stored. */
  readonly oldestSequence: number;
  /** Sequence of the newest event, including cleared ones; 0 before the first. */
  readonly newestSequence: number;
  /** The attempt that began last, which may have no events yet. Undefined before the first and after a clear. */
  readonly newestAttempt?: { readonly correlationId: string; readonly attempt: number };
  /** Sums since the log began or was cleared. Undefined before the first event. */
  readonly totals?: ThreadTotals;
}

/** How many events are stored. */
export function eventCountOf({ oldestSequence, newestSequence }: ThreadHead): number {
  return newestSequence - oldestSequence + 1;
}

const TIME_DIGITS = 9;

/**
 * A name for a log: milliseconds since 1970 in base 36, then randomness.
 *
 * @param previous the epoch that this one follows in the same thread; it always sorts before the new one
 */
export function createEpoch(previous?: string, now = Date.now()): string {
  const previousTime = previous === undefined ? 0 : Number.parseInt(previous.slice(0, TIME_DIGITS), 36) || 0;
  const time = Math.max(now, previousTime + 1)
    .toString(36)
    .padStart(TIME_DIGITS, '0');
  return time + randomBytes(3).toString('hex');
}
