import { randomBytes } from 'node:crypto';
import { addCost, type RunCost } from '../../durable-agents/index.js';
import type { CallbackEventFields } from './callback-event.js';
import type { NewEvent } from './stored-event.js';

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

/** Sums over a thread's events since its log began or was cleared. */
export interface ThreadTotals {
  /** Time of the first event: ISO 8601 in UTC. */
  readonly firstEventAt: string;
  /** Time of the newest event: ISO 8601 in UTC. */
  readonly lastEventAt: string;
  readonly lastEventType: CallbackEventFields['event_type'];
  /** A redelivered run counts once. */
  readonly runCount: number;
  readonly failedRunCount: number;
  /** Tokens used, and what they cost, including those of attempts that were superseded after their end. */
  readonly inputTokenCount: number;
  readonly outputTokenCount: number;
  readonly totalTokenCount: number;
  /** Undefined if no answer had a cost. */
  readonly cost?: RunCost;
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

/** When an epoch began: ISO 8601 in UTC. */
export function epochTime(epoch: string): string {
  return new Date(Number.parseInt(epoch.slice(0, TIME_DIGITS), 36) || 0).toISOString();
}

/**
 * The totals after one more event.
 *
 * @param isNewRun whether it is the first event of its run
 */
export function addToTotals(totals: ThreadTotals | undefined, event: NewEvent, isNewRun: boolean): ThreadTotals {
  const { timestamp, eventType, tokens } = event;
  const cost = event.cost === undefined ? totals?.cost : addCost(totals?.cost, event.cost);
  return {
    firstEventAt: totals?.firstEventAt ?? timestamp,
    lastEventAt: timestamp,
    lastEventType: eventType,
    runCount: (totals?.runCount ?? 0) + (isNewRun ? 1 : 0),
    failedRunCount: (totals?.failedRunCount ?? 0) + (eventType === 'failed' ? 1 : 0),
    inputTokenCount: (totals?.inputTokenCount ?? 0) + (tokens?.input ?? 0),
    outputTokenCount: (totals?.outputTokenCount ?? 0) + (tokens?.output ?? 0),
    totalTokenCount: (totals?.totalTokenCount ?? 0) + (tokens?.total ?? 0),
    ...(cost && { cost }),
  };
}

/** The totals without one failed run: another attempt has taken the place of its failure. */
export function withoutFailedRun(totals: ThreadTotals | undefined): ThreadTotals | undefined {
  return totals && { ...totals, failedRunCount: Math.max(0, totals.failedRunCount - 1) };
}
