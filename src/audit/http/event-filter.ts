import type { CallbackEvent } from '../domain/callback-event.js';
import { type RecordedRun, winningAttempt } from '../domain/recorded-run.js';
import type { StoredEvent } from '../domain/stored-event.js';

/** Selects events of a thread. */
export interface EventFilter {
  /** Only events of this run. */
  readonly correlationId?: string | undefined;
  readonly eventType?: CallbackEvent['event_type'] | undefined;
  /** Include events of superseded attempts. @default false */
  readonly superseded?: boolean | undefined;
}

/** @param runs - known runs. An unknown run counts as having one attempt. */
export function isWanted(
  { correlationId, eventType, attempt }: StoredEvent,
  runs: ReadonlyMap<string, RecordedRun>,
  filter: EventFilter,
): boolean {
  return (
    (filter.correlationId === undefined || correlationId === filter.correlationId) &&
    (filter.eventType === undefined || eventType === filter.eventType) &&
    (filter.superseded === true || !isSuperseded(attempt, runs.get(correlationId)))
  );
}

export function isSuperseded(attempt: number, run: RecordedRun | undefined): boolean {
  return run !== undefined && attempt < winningAttempt(run);
}
