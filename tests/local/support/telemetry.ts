import type { ApprovalEvent, FailedEvent, FinalEvent, TelemetryEvent } from '../../../local/watch/telemetry-event.js';

const startedAtMs = Date.parse('2026-03-01T10:00:00.000Z');

/** Fields of an event. */
export interface EventParts {
  readonly sequence: number;
  readonly correlationId?: string;
  readonly attempt?: number;
  readonly message?: string;
  /** In milliseconds since a fixed time. */
  readonly atMs?: number;
}

function shared({ sequence, correlationId = 'a'.repeat(32), attempt = 1, message = 'Hi', atMs = 0 }: EventParts) {
  const timestamp = new Date(startedAtMs + atMs).toISOString();
  return { timestamp, correlation_id: correlationId, request_message: message, attempt, sequence };
}

export function update(text: string, parts: EventParts, kind = 'text'): TelemetryEvent {
  return { ...shared(parts), event_type: 'stream', update_kind: kind, text };
}

export function approval(state: string, parts: EventParts, decision: Partial<ApprovalEvent> = {}): ApprovalEvent {
  const call = { approval_id: 'f00d', tool_name: 'pay', arguments: { amount: 20 } };
  return { ...shared(parts), event_type: 'approval', ...call, state, ...decision };
}

export function final(text: string, parts: EventParts): FinalEvent {
  const usage = { input_token_count: 5, output_token_count: 20, total_token_count: 25 };
  return { ...shared(parts), event_type: 'final', response_text: text, usage, finish_reason: 'stop' };
}

export function failed(message: string, parts: EventParts): FailedEvent {
  return { ...shared(parts), event_type: 'failed', error_code: 'stream_stalled', error_message: message };
}

/** An event as a stream frame. */
export function frame(event: Omit<TelemetryEvent, 'attempt'>, epoch = 'e'): string {
  return `id: ${epoch}-${event.sequence}\nevent: ${event.event_type}\ndata: ${JSON.stringify(event)}\n\n`;
}

/** A superseded attempt as a stream frame. */
export function supersededFrame(attempt: number, correlationId = 'a'.repeat(32)): string {
  return `event: superseded\ndata: ${JSON.stringify({ correlation_id: correlationId, attempt })}\n\n`;
}

export const resetFrame = 'id: f-0\nevent: reset\ndata: {"oldest_sequence":1}\n\n';
