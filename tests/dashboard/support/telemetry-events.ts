import {
  type ApprovalEvent,
  attemptOf,
  type StreamEvent,
  type TelemetryEvent,
} from '../../../src/dashboard/page/api/telemetry-event.js';
import type { ThreadChange } from '../../../src/dashboard/page/thread/thread-change.js';

export const START_MS = Date.parse('2026-01-07T15:40:00.000Z');

/** A run to create events for: the texts of its updates, and its end. */
export interface ScriptedRun {
  readonly correlationId: string;
  readonly texts: readonly string[];
  readonly end?: 'final' | 'failed';
  /** Attempt number. If undefined, events carry none. */
  readonly attempt?: number;
}

/** Returns the events of the runs, 10 ms apart and numbered from 1. */
export function eventsOf(...runs: readonly ScriptedRun[]): TelemetryEvent[] {
  const events: TelemetryEvent[] = [];
  for (const { correlationId, texts, end, attempt } of runs) {
    const next = () => ({
      sequence: events.length + 1,
      timestamp: new Date(START_MS + events.length * 10).toISOString(),
      correlation_id: correlationId,
      request_message: `request of ${correlationId}`,
      ...(attempt !== undefined && { attempt }),
    });
    for (const text of texts) events.push({ ...next(), event_type: 'stream', update_kind: 'text', text });
    if (end === 'final') {
      const usage = { input_token_count: 7, output_token_count: texts.length, total_token_count: 7 + texts.length };
      events.push({ ...next(), event_type: 'final', response_text: texts.join(''), usage });
    } else if (end === 'failed') {
      events.push({ ...next(), event_type: 'failed', error_code: 'stream_stalled', error_message: 'It went silent.' });
    }
  }
  return events;
}

/** The fields of an event in addition to those that all events of a run have. */
type ScriptedEvent =
  | 'final'
  | 'failed'
  | (Partial<StreamEvent> & { readonly update_kind: string })
  | (Omit<ApprovalEvent, 'sequence' | 'timestamp' | 'correlation_id' | 'request_message'> & {
      readonly update_kind?: never;
    });

/** Returns the events of one run, each at a number of milliseconds after the run was accepted. */
export function runOfTools(
  script: readonly (readonly [number, ScriptedEvent])[],
  attempt = 1,
  correlationId = 'a',
): TelemetryEvent[] {
  const events: TelemetryEvent[] = [];
  for (const [index, [atMs, added]] of script.entries()) {
    const fields = {
      sequence: index + 1,
      timestamp: new Date(START_MS + atMs).toISOString(),
      correlation_id: correlationId,
      request_message: `request of ${correlationId}`,
      run_started_at: new Date(START_MS).toISOString(),
      attempt,
    };
    if (added === 'failed') {
      events.push({ ...fields, event_type: 'failed', error_code: 'cancelled', error_message: 'Stopped.' });
    } else if (added === 'final') {
      const texts = events.map((event) =>
        event.event_type === 'stream' && event.update_kind === 'text' ? event : undefined,
      );
      const round = Math.max(...texts.map((event) => event?.round ?? 1));
      const last = texts.filter((event) => (event?.round ?? 1) === round).map((event) => event?.text ?? '');
      const usage = { input_token_count: 7, output_token_count: 5, total_token_count: 12 };
      const cost = { amount: 0.0021, currency: 'USD' };
      events.push({ ...fields, event_type: 'final', response_text: last.join(''), usage, cost });
    } else if (added.update_kind === undefined) {
      events.push({ ...fields, ...added });
    } else {
      events.push({ ...fields, event_type: 'stream', text: '', ...added });
    }
  }
  return events;
}

interface ScriptedCall {
  readonly call_id: string;
  readonly tool_name: string;
}

export function toolCall(call: ScriptedCall & Partial<StreamEvent>) {
  return { arguments: {}, ...call, update_kind: 'tool_call' };
}

export function toolResult(call: ScriptedCall & Partial<StreamEvent>) {
  return { result: 'ok', is_error: false, ...call, update_kind: 'tool_result' };
}

export function approvalEvent(call: ScriptedCall & Pick<ApprovalEvent, 'state'> & Partial<ApprovalEvent>) {
  const { call_id: id } = call;
  return { event_type: 'approval' as const, approval_id: `approval-of-${id}`, arguments: {}, ...call };
}

/** Returns the events of each run's latest attempt, as the app serves them by default. */
export function winningEvents(events: readonly TelemetryEvent[]): TelemetryEvent[] {
  const highest = new Map<string, number>();
  for (const event of events) {
    const { correlation_id: run } = event;
    highest.set(run, Math.max(highest.get(run) ?? 1, attemptOf(event)));
  }
  return events.filter((event) => attemptOf(event) === highest.get(event.correlation_id));
}

export function changesOf(events: readonly TelemetryEvent[], epoch = 'e1'): ThreadChange[] {
  return events.map((event) => ({ type: 'event', epoch, event, receivedAtMs: 0 }));
}
