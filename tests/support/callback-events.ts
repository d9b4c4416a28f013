import type { RunCost } from '../../src/durable-agents/index.js';
import type { CallbackEvent } from '../../src/audit/domain/callback-event.js';
import type { EventThread } from '../../src/audit/domain/event-thread.js';
import type { NewEvent } from '../../src/audit/domain/stored-event.js';
import type { RunDescription } from '../../src/audit/domain/recorded-run.js';

export const thread: EventThread = { agentName: 'CallbackAgent', threadId: 'thread-1' };

const TIMESTAMP = '2026-01-07T15:40:02.123Z';

/** The correlation id of the thread's run with this number. */
export function runId(number: number): string {
  return number.toString(16).padStart(32, '0');
}

/** The thread's run with this number, as accepted. */
export function runOf(number = 1): RunDescription {
  return {
    correlationId: runId(number),
    requestMessage: 'Tell me a short joke',
    acceptedAt: '2026-01-07T15:40:01.000Z',
  };
}

export function streamEvent(text = 'Why did', timestamp = TIMESTAMP): NewEvent {
  const fields = { event_type: 'stream', update_kind: 'text', text };
  return { timestamp, eventType: 'stream', fields: withoutBraces(fields) };
}

export const ANSWER = 'Why did the cloud stay home?';

export function finalEvent(text = ANSWER, timestamp = TIMESTAMP): NewEvent {
  const usage = { type: 'usage_details', input_token_count: 59, output_token_count: 14, total_token_count: 73 };
  return {
    timestamp,
    eventType: 'final',
    fields: withoutBraces({ event_type: 'final', response_text: text, usage, finish_reason: 'stop' }),
    tokens: { input: 59, output: 14, total: 73 },
  };
}

/** An answer whose cost is known. */
export function pricedEvent(cost: RunCost, timestamp = TIMESTAMP): NewEvent {
  const usage = { type: 'usage_details', input_token_count: 59, output_token_count: 14, total_token_count: 73 };
  const fields = { event_type: 'final', response_text: ANSWER, usage, cost, finish_reason: 'stop' };
  return { ...finalEvent(ANSWER, timestamp), fields: withoutBraces(fields), cost };
}

/** The usage of an answer without token counts. */
export function finalEventWithoutUsage(text = ANSWER, timestamp = TIMESTAMP): NewEvent {
  const fields = { event_type: 'final', response_text: text, usage: null, finish_reason: 'stop' };
  return { timestamp, eventType: 'final', fields: withoutBraces(fields) };
}

export function failedEvent(timestamp = TIMESTAMP): NewEvent {
  const fields = { event_type: 'failed', error_code: 'stream_stalled', error_message: 'The model sent nothing.' };
  return { timestamp, eventType: 'failed', fields: withoutBraces(fields) };
}

/** The decision on a tool call. */
export function approvalEvent(timestamp = TIMESTAMP): NewEvent {
  const fields = {
    event_type: 'approval',
    text: '',
    approval_id: 'a1',
    call_id: 'call-1',
    tool_name: 'pay',
    arguments: { amount: 20 },
    state: 'approved',
    expires_at: '2026-01-14T15:40:02.123Z',
    decided_at: timestamp,
    decided_by: 'user-1',
    reason: 'It came late.',
    arguments_edited: true,
  };
  return { timestamp, eventType: 'approval', fields: withoutBraces(fields) };
}

export interface ServedOptions {
  readonly sequence: number;
  /** @default {@link thread} */
  readonly of?: EventThread;
  /** The number of the run. @default 1 */
  readonly run?: number;
  /** @default 1 */
  readonly attempt?: number;
  readonly lostEvents?: number;
  /** Whether it repeats the message of its run. @default true */
  readonly hasMessage?: boolean;
}

/** A served event. `JSON.stringify` returns its exact text. */
export function servedEvent(
  event: NewEvent,
  { sequence, of = thread, run = 1, attempt = 1, lostEvents, hasMessage = true }: ServedOptions,
): CallbackEvent {
  const { correlationId, requestMessage, acceptedAt } = runOf(run);
  return {
    timestamp: event.timestamp,
    agent_name: of.agentName,
    thread_id: of.threadId,
    correlation_id: correlationId,
    ...(hasMessage && { request_message: requestMessage }),
    ...JSON.parse(`{${event.fields}}`),
    run_started_at: acceptedAt,
    attempt,
    ...(lostEvents !== undefined && { lost_events: lostEvents }),
    sequence,
  };
}

function withoutBraces(fields: object): string {
  return JSON.stringify(fields).slice(1, -1);
}
