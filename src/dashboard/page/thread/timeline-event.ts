import { attemptOf, type TelemetryEvent } from '../api/telemetry-event.js';

/** An event as the timeline shows it. */
export interface TimelineEvent {
  readonly sequence: number;
  /** Its run, as an index of the thread's runs; -1 for one that the thread does not show. */
  readonly runIndex: number;
  /** Which delivery of the run it came from, from 1. */
  readonly attempt: number;
  readonly type: TelemetryEvent['event_type'];
  /** Of an update: `text`, `reasoning`, `tool_call` or `tool_result`. */
  readonly kind?: string;
  /** Milliseconds since 1970. */
  readonly atMs: number;
  /** Of an update or an answer; of a failure, its message. */
  readonly text: string;
}

export function toTimelineEvent(event: TelemetryEvent, runIndex: number): TimelineEvent {
  const kind = event.event_type === 'stream' ? { kind: event.update_kind } : undefined;
  return {
    sequence: event.sequence,
    runIndex,
    attempt: attemptOf(event),
    type: event.event_type,
    ...kind,
    atMs: Date.parse(event.timestamp),
    text: textOf(event),
  };
}

function textOf(event: TelemetryEvent): string {
  switch (event.event_type) {
    case 'stream':
      return event.text;
    case 'final':
      return event.response_text;
    case 'failed':
      return event.error_message;
  }
}
