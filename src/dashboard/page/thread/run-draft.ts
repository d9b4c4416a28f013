import { type ApprovalEvent, attemptOf, type StreamEvent, type TelemetryEvent } from '../api/telemetry-event.js';
import type { TimelineEvent } from './timeline-event.js';
import { answerOf, type Run, type RunPart, type ToolPart } from './run.js';

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
export function addToRun(run: RunDraft, { source: event, atMs }: TimelineEvent): void {
  run.lastEventAtMs = atMs;
  switch (event.event_type) {
    case 'stream': {
      // The app was interrupted after this run ended but before it was saved, so the run was delivered again.
      if (run.outcome.status !== 'streaming') {
        Object.assign(run, { parts: [], outcome: { status: 'streaming' }, wasRepeated: true });
      }
      run.updateCount += 1;
      addUpdate(run, event);
      return;
    }
    case 'approval':
      changeTool(run, event, { approval: event.state, reason: event.reason, arguments: event.arguments });
      return;
    case 'final':
      run.outcome = {
        status: 'answered',
        sequence: event.sequence,
        usage: event.usage,
        cost: event.cost,
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

function addUpdate(run: RunDraft, event: StreamEvent): void {
  const { update_kind: kind, text } = event;
  const last = run.parts.at(-1);
  switch (kind) {
    case 'tool_call':
      changeTool(run, event, { arguments: event.arguments });
      return;
    case 'tool_result': {
      const { result, is_error: isError = false, duration_ms: durationMs } = event;
      changeTool(run, event, { outcome: { result, isError, durationMs } });
      return;
    }
    case 'text':
      if (last?.kind === 'text') run.parts[run.parts.length - 1] = { kind, text: last.text + text };
      else run.parts.push({ kind, text });
      return;
    default:
      if (last?.kind === 'aside' && last.title === kind) {
        run.parts[run.parts.length - 1] = { ...last, text: last.text + text };
      } else run.parts.push({ kind: 'aside', title: kind, text });
  }
}

/** Changes the part of a tool call, or adds it if the run does not have it yet. */
function changeTool(run: RunDraft, event: StreamEvent | ApprovalEvent, change: Partial<ToolPart>): void {
  const { call_id: callId, tool_name: toolName = 'tool' } = event;
  const index =
    callId === undefined ? -1 : run.parts.findLastIndex((part) => part.kind === 'tool' && part.callId === callId);
  const known = run.parts[index];
  if (known?.kind === 'tool') run.parts[index] = { ...known, ...change };
  else run.parts.push({ kind: 'tool', callId, toolName, arguments: undefined, ...change });
}
