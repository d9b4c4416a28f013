import { attemptOf, type TelemetryEvent } from '../../../src/dashboard/page/api/telemetry-event.js';
import type { ThreadChange } from '../../../src/dashboard/page/thread/thread-change.js';

const START_MS = Date.parse('2026-01-07T15:40:00.000Z');

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
