import type { AgentCallbackContext } from '../../src/durable-agents/agent-response-callback.js';
import { createRecordingLog } from './recording-log.js';

/** The context of a run of `thread-1`, with some fields replaced. */
export function callbackContext({
  threadId = 'thread-1',
  ...fields
}: Partial<AgentCallbackContext> = {}): AgentCallbackContext {
  return Object.freeze({
    agentName: 'CallbackAgent',
    correlationId: '59650737951c41c2ab743c21cb257349',
    sessionId: threadId,
    threadId,
    requestMessage: 'What is the weather in Paris?',
    requestedAt: '2026-01-07T15:40:01.000Z',
    attempt: 1,
    log: createRecordingLog(),
    ...fields,
  });
}
