export type {
  Agent,
  AgentFinish,
  AgentFinishReason,
  AgentResponse,
  AgentResponseUpdate,
  AgentRunOptions,
  AgentStreamPart,
  AgentUpdateKind,
  AgentUsage,
} from './agent.js';
export { answeredRuns } from './answered-runs.js';
export { type AddAgentOptions, AgentFunctionApp, type AgentFunctionAppOptions } from './agent-function-app.js';
export type { AgentRegistry, RegisteredAgent } from './agent-registry.js';
export type { AgentCallbackContext, AgentResponseCallback } from './agent-response-callback.js';
export { callWithin } from './call-within.js';
export { durableClientInput } from './durable-client-input.js';
export { errorText } from './error-text.js';
export {
  AgentError,
  type AgentErrorOptions,
  type AgentRecovery,
  HttpError,
  type HttpErrorOptions,
  ThreadStateError,
} from './errors.js';
export { answering } from './http/answering.js';
export { checkedThreadId } from './http/checked-thread-id.js';
export type { HealthDetails } from './http/health-route.js';
export { isNotModified } from './http/is-not-modified.js';
export { SSE_HEARTBEAT, SSE_RETRY, sseFrame, sseResponse } from './http/sse.js';
export { invocationLog } from './invocation-log.js';
export type { Logger } from './logger.js';
export { orAborted } from './or-aborted.js';
export { pause } from './pause.js';
export type { FollowedRun, FollowOptions, RunEventSource, RunEventStream } from './run-event-source.js';
export type { AcceptedRun, RunRecords } from './run-records.js';
export type { RunRequest } from './run-request.js';
export {
  messageText,
  type ThreadContent,
  type ThreadEntry,
  type ThreadMessage,
  type ThreadState,
} from './thread-state.js';
