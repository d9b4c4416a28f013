import { attemptOf, type TelemetryEvent, textOfUpdate } from '../api/telemetry-event.js';

/** An event as the timeline shows it. */
export interface TimelineEvent {
  readonly sequence: number;
  /** Index of its run among the thread's runs; -1 if the thread does not show that run. */
  readonly runIndex: number;
  /** Attempt of the run that it belongs to, from 1. */
  readonly attempt: number;
  readonly type: TelemetryEvent['event_type'];
  /** Kind of an update: `text`, `reasoning`, `tool_call` or `tool_result`. */
  readonly kind?: string;
  /** Milliseconds since 1970. */
  readonly atMs: number;
  /** Text of an update or an answer, or message of a failure. */
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
      return textOfUpdate(event);
    case 'approval':
      return `${event.tool_name} ${event.state}`;
    case 'final':
      return event.response_text;
    case 'failed':
      return event.error_message;
  }
}
