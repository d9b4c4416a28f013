import type { CallbackEventFields } from './callback-event.js';
import type { NewEvent } from './stored-event.js';

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
  /** Tokens used, including those of attempts that were superseded after their end. */
  readonly inputTokenCount: number;
  readonly outputTokenCount: number;
  readonly totalTokenCount: number;
}

/** @param isNewRun whether it is the first event of its run */
export function addToTotals(totals: ThreadTotals | undefined, event: NewEvent, isNewRun: boolean): ThreadTotals {
  const { timestamp, eventType, tokens } = event;
  return {
    firstEventAt: totals?.firstEventAt ?? timestamp,
    lastEventAt: timestamp,
    lastEventType: eventType,
    runCount: (totals?.runCount ?? 0) + (isNewRun ? 1 : 0),
    failedRunCount: (totals?.failedRunCount ?? 0) + (eventType === 'failed' ? 1 : 0),
    inputTokenCount: (totals?.inputTokenCount ?? 0) + (tokens?.input ?? 0),
    outputTokenCount: (totals?.outputTokenCount ?? 0) + (tokens?.output ?? 0),
    totalTokenCount: (totals?.totalTokenCount ?? 0) + (tokens?.total ?? 0),
  };
}

/** A run that had failed is given another attempt. */
export function withoutFailedRun(totals: ThreadTotals | undefined): ThreadTotals | undefined {
  return totals && { ...totals, failedRunCount: Math.max(0, totals.failedRunCount - 1) };
}
