import { attemptOf, type StreamEvent, type TelemetryEvent } from '../api/telemetry-event.js';

/** An event as the timeline shows it. */
export interface TimelineEvent {
  readonly sequence: number;
  /** Index of its run among the thread's runs; -1 if the thread does not show that run. */
  readonly runIndex: number;
  /** Attempt of the run that it belongs to, from 1. */
  readonly attempt: number;
  readonly type: TelemetryEvent['event_type'];
  /** Kind of an update: `text`, `reasoning`, `tool_call` or `tool_result`. `undefined` for other events. */
  readonly kind: string | undefined;
  /** Milliseconds since 1970. */
  readonly atMs: number;
  /** Text of an update or an answer, message of a failure, or a tool call in words. */
  readonly text: string;
  /** As it was received. */
  readonly source: TelemetryEvent;
}

export function toTimelineEvent(source: TelemetryEvent, runIndex: number): TimelineEvent {
  return {
    sequence: source.sequence,
    runIndex,
    attempt: attemptOf(source),
    type: source.event_type,
    kind: source.event_type === 'stream' ? source.update_kind : undefined,
    atMs: Date.parse(source.timestamp),
    text: textOf(source),
    source,
  };
}

function textOf(event: TelemetryEvent): string {
  switch (event.event_type) {
    case 'stream':
      return textOfUpdate(event);
    case 'approval':
      return `${event.tool_name} ${event.state} ${jsonText(event.arguments)}`;
    case 'final':
      return event.response_text;
    case 'failed':
      return event.error_message;
  }
}

/** Returns an update in words: tool calls and results have no text of their own. */
function textOfUpdate(event: StreamEvent): string {
  const { tool_name: tool = 'tool', text } = event;
  switch (event.update_kind) {
    case 'tool_call':
      return `${tool} ${jsonText(event.arguments)}`;
    case 'tool_result': {
      const took = event.duration_ms === undefined ? '' : ` after ${event.duration_ms} ms`;
      return `${tool} ${event.is_error === true ? 'failed' : 'returned'}${took}: ${jsonText(event.result)}`;
    }
    default:
      return text;
  }
}

function jsonText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
