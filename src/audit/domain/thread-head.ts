import { randomBytes } from 'node:crypto';
import { addCost, type RunCost } from '../../durable-agents/index.js';
import type { CallbackEventFields } from './callback-event.js';
import type { NewEvent } from './stored-event.js';

/**
 * The state of a thread's log besides its events and runs. Every change to the thread replaces the head, on the
 * condition that the head has not changed since it was read. Sequences therefore have no gaps or duplicates, with any
 * number of writers.
 */
export interface ThreadHead {
  /** Id of the log. A new log and each clear get a new epoch. Epochs of one thread sort by age. */
  readonly epoch: string;
  /** Counts every change: events, attempts, and removals. */
  readonly version: number;
  /** Sequence of the oldest stored event; `newestSequence + 1` when none is stored. */
  readonly oldestSequence: number;
  /** Sequence of the newest event, including cleared ones; 0 before the first. */
  readonly newestSequence: number;
  /** The attempt that started last. It may have no events yet. Undefined before the first and after a clear. */
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
  /** Tokens, including those of attempts that were superseded after their end. The same applies to the cost. */
  readonly inputTokenCount: number;
  readonly outputTokenCount: number;
  readonly totalTokenCount: number;
  /** Undefined if no answer had a cost. */
  readonly cost?: RunCost;
}

/** Returns the number of stored events. */
export function eventCountOf({ oldestSequence, newestSequence }: ThreadHead): number {
  return newestSequence - oldestSequence + 1;
}

const TIME_DIGITS = 9;

/**
 * Creates the id of a log: milliseconds since 1970 in base 36, followed by random characters.
 *
 * @param previous - the previous epoch of the thread, which always sorts before the new one
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
 * Returns the totals after one more event.
 *
 * @param isNewRun - whether it is the first event of its run
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

/** Returns the totals without one failed run, because another attempt superseded its failure. */
export function withoutFailedRun(totals: ThreadTotals | undefined): ThreadTotals | undefined {
  return totals && { ...totals, failedRunCount: Math.max(0, totals.failedRunCount - 1) };
}
