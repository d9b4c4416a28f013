import type { EventThreadSummary } from '../store/callback-event-store.js';
import type { NewEvent } from './stored-event.js';

/** What a thread's events add up to. */
export type ThreadTotals = Omit<EventThreadSummary, 'agentName' | 'threadId' | 'eventCount'>;

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
