import { attemptOf, type TelemetryEvent, textOfUpdate } from '../api/telemetry-event.js';
import { answerOf, isTool, type Run, type RunPart } from './run.js';

/** A run under construction. */
export type RunDraft = { -readonly [Field in keyof Run]: Run[Field] } & { parts: RunPart[] };

/** Creates a run from its first event, without adding that event. */
export function createRun(event: TelemetryEvent, number: number, receivedAtMs: number): RunDraft {
  const atMs = Date.parse(event.timestamp);
  const startedAtMs = Date.parse(event.run_started_at ?? '');
  return {
    correlationId: event.correlation_id,
    number,
    requestMessage: event.request_message,
    attempt: attemptOf(event),
    parts: [],
    outcome: { status: 'streaming' },
    lostEvents: 0,
    wasRepeated: false,
    startedAtMs: Number.isNaN(startedAtMs) ? atMs : startedAtMs,
    isStartKnown: !Number.isNaN(startedAtMs),
    firstEventAtMs: atMs,
    lastEventAtMs: atMs,
    firstReceivedAtMs: receivedAtMs,
    updateCount: 0,
  };
}

/** Clears a run when this attempt supersedes the earlier ones. */
export function restartRun(run: RunDraft, attempt: number): void {
  Object.assign(run, {
    attempt,
    parts: [],
    outcome: { status: 'restarting' },
    lostEvents: 0,
    wasRepeated: false,
    updateCount: 0,
  });
}

/** Adds an event of the current attempt. */
export function addToRun(run: RunDraft, event: TelemetryEvent): void {
  run.lastEventAtMs = Date.parse(event.timestamp);
  switch (event.event_type) {
    case 'stream': {
      // The app was interrupted after this run ended but before it was saved, so the run was delivered again.
      if (run.outcome.status !== 'streaming') {
        Object.assign(run, { parts: [], outcome: { status: 'streaming' }, wasRepeated: true });
      }
      run.updateCount += 1;
      const last = run.parts.at(-1);
      if (isTool(event.update_kind)) {
        run.parts.push({ kind: event.update_kind, text: textOfUpdate(event) });
      } else if (last?.kind === event.update_kind) {
        run.parts[run.parts.length - 1] = { kind: last.kind, text: last.text + event.text };
      } else {
        run.parts.push({ kind: event.update_kind, text: event.text });
      }
      return;
    }
    case 'approval':
      return;
    case 'final':
      run.outcome = {
        status: 'answered',
        sequence: event.sequence,
        usage: event.usage,
        isCut: event.finish_reason === 'length',
      };
      run.lostEvents = event.lost_events ?? 0;
      if (answerOf(run) !== event.response_text) {
        // Updates of an interrupted attempt precede those of the finished one.
        run.wasRepeated ||= run.updateCount > 0 && event.attempt === undefined;
        run.parts = [{ kind: 'text', text: event.response_text }];
      }
      return;
    case 'failed':
      run.outcome = { status: 'failed', code: event.error_code, message: event.error_message };
      run.lostEvents = event.lost_events ?? 0;
      return;
  }
}
