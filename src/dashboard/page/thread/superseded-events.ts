import type { TelemetryEvent } from '../api/telemetry-event.js';
import type { Run } from './run.js';
import type { ThreadState } from './thread-state.js';
import { type TimelineEvent, toTimelineEvent } from './timeline-event.js';

/** Returns the stored events that the thread does not show because a later attempt superseded them. */
export function supersededEvents(record: readonly TelemetryEvent[], state: ThreadState): TimelineEvent[] {
  return record
    .map((event) => toTimelineEvent(event, state.runIndexes.get(event.correlation_id) ?? -1))
    .filter((event) => isSuperseded(event, state.runs));
}

/** Whether an event belongs to a superseded attempt, or to a run that the thread does not show. */
export function isSuperseded({ runIndex, attempt }: TimelineEvent, runs: readonly Run[]): boolean {
  return attempt < (runs[runIndex]?.attempt ?? Infinity);
}

/** Merges two ordered lists of events. */
export function mergeEvents(one: readonly TimelineEvent[], other: readonly TimelineEvent[]): readonly TimelineEvent[] {
  if (other.length === 0) return one;
  return [...one, ...other].toSorted((first, second) => first.sequence - second.sequence);
}
