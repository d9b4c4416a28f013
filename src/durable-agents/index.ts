export type {
  Agent,
  AgentFinish,
  AgentFinishReason,
  AgentResponse,
  AgentResponseUpdate,
  AgentRunOptions,
  AgentStreamPart,
  AgentTextUpdate,
  AgentToolCallUpdate,
  AgentToolResultUpdate,
  AgentUpdateKind,
  AgentUsage,
  StructuredAgent,
} from './agent.js';
export { type AddAgentOptions, AgentFunctionApp } from './agent-function-app.js';
export type { AgentFunctionAppOptions } from './agent-function-app-options.js';
export type { AgentAnswer, AgentQuestion, AskAgent } from './client/ask-agent.js';
export { composeCallbacks } from './compose-callbacks.js';
export type { AgentRegistry, RegisteredAgent } from './agent-registry.js';
export type { AgentCallbackContext, AgentResponseCallback } from './agent-response-callback.js';
export { AgentError, type AgentErrorOptions, type AgentRecovery, ThreadStateError } from './errors.js';
export type { AccessAction, AccessRequest, Authorize, Principal } from './access/authorize.js';
export { easyAuth } from './access/easy-auth.js';
export { ThreadAccess } from './access/thread-access.js';
export { addCost, type ModelPrice, type ModelPrices, type RunCost } from './model-price.js';
export { type BuiltInRedactor, builtInRedactors } from './redaction/built-in-redactors.js';
export { DEFAULT_MAX_LENGTH, MAX_MAX_LENGTH, type Redactor } from './redaction/redactor.js';
export * as apiSchemas from './http/api-schemas.js';
export type { HealthDetails } from './http/health-route.js';
export type { RunIdentity, FollowOptions, RunEventSource, RunEventStream } from './run-event-source.js';
export type {
  AgentModel,
  ModelCallTrace,
  RunTrace,
  RunTracer,
  ToolCallTrace,
  TracedAnswer,
  TracedModelCall,
  TracedRun,
  TracedToolCall,
} from './run-tracer.js';
export type { RunRequest } from './run-request.js';
export { estimateTokens, type TokenCounter } from './thread/history-window.js';
export type { ChatModel, ModelPart, ModelRequest, ModelToolCall } from './tools/chat-model.js';
export { type AnswerFormat, isStrictSchema } from './structured-output.js';
export { cutJson } from './tools/plain-json.js';
export { createModelAgent, type ModelAgentOptions } from './tools/model-agent.js';
export { defineTool, type Tool, type ToolContext, type ToolEffect, ToolError, type ToolOptions } from './tools/tool.js';
export {
  type JsonObject,
  messageText,
  type ThreadContent,
  type ThreadEntry,
  type ThreadMessage,
  type ThreadState,
} from './thread/thread-state.js';
export { toEntityKey } from './thread/thread-id.js';
export { RUN_STATUSES, type RunStatus } from './runs/run-record.js';
export { type ListedThread, ThreadIndex, type ThreadPage, type ThreadQuery } from './threads/thread-index.js';
