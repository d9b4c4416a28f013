import type { TelemetryEvent } from '../api/telemetry-event.js';
import type { Run } from './run.js';
import type { ThreadState } from './thread-state.js';
import { type TimelineEvent, toTimelineEvent } from './timeline-event.js';

/** Those events of a whole record that the thread does not show, as a later attempt of their run took their place. */
export function supersededEvents(record: readonly TelemetryEvent[], state: ThreadState): TimelineEvent[] {
  return record
    .map((event) => toTimelineEvent(event, state.runIndexes.get(event.correlation_id) ?? -1))
    .filter((event) => isSuperseded(event, state.runs));
}

/** Whether an event is of an attempt that does not count. So are all of a run that the thread does not show. */
export function isSuperseded({ runIndex, attempt }: TimelineEvent, runs: readonly Run[]): boolean {
  return attempt < (runs[runIndex]?.attempt ?? Infinity);
}

/** Puts two lists of events, each in order, into one. */
export function mergeEvents(one: readonly TimelineEvent[], other: readonly TimelineEvent[]): readonly TimelineEvent[] {
  if (other.length === 0) return one;
  return [...one, ...other].toSorted((first, second) => first.sequence - second.sequence);
}
