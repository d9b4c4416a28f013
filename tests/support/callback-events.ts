import type { FailedEvent, FinalEvent, NewCallbackEvent, StreamEvent } from '../../src/audit/callback-event.js';
import type { EventThread } from '../../src/audit/callback-event-store.js';

export const thread: EventThread = { agentName: 'CallbackAgent', threadId: 'thread-1' };

const run = ({ agentName, threadId }: EventThread) => ({
  timestamp: '2026-01-07T15:40:02.123Z',
  agent_name: agentName,
  thread_id: threadId,
  correlation_id: '59650737951c41c2ab743c21cb257349',
  request_message: 'Tell me a short joke',
});
const times = { run_started_at: '2026-01-07T15:40:01.000Z' };

export function streamEvent(text = 'Why did', of: EventThread = thread): StreamEvent {
  return { ...run(of), event_type: 'stream', update_kind: 'text', text, ...times };
}

export function finalEvent(text = 'Why did the cloud stay home?', of: EventThread = thread): FinalEvent {
  return {
    ...run(of),
    event_type: 'final',
    response_text: text,
    usage: { type: 'usage_details', input_token_count: 59, output_token_count: 14, total_token_count: 73 },
    finish_reason: 'stop',
    ...times,
  };
}

export function failedEvent(of: EventThread = thread): FailedEvent {
  return {
    ...run(of),
    event_type: 'failed',
    error_code: 'stream_stalled',
    error_message: 'The model sent nothing.',
    ...times,
  };
}

/** The correlation id of a thread's run of this number. */
export function runId(number: number): string {
  return number.toString(16).padStart(32, '0');
}

/** The same event, of the run of this number. */
export function ofRun<Event extends NewCallbackEvent>(number: number, event: Event): Event {
  return { ...event, correlation_id: runId(number) };
}
