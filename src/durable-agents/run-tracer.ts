import type { Agent, AgentFinishReason, AgentResponse, AgentTextUpdate, AgentUsage } from './agent.js';
import type { AgentError } from './errors.js';
import type { ThreadMessage } from './thread/thread-state.js';
import type { ModelToolCall } from './tools/chat-model.js';

/**
 * Follows runs to record spans and metrics. Unlike a callback, it also sees when each model call and tool call starts
 * and ends. Its methods must not throw and are not awaited.
 */
export interface RunTracer {
  /** Called for each delivery of a run, before its agent is asked. */
  startRun(run: TracedRun): RunTrace;
}

export interface TracedRun {
  readonly agent: Agent;
  readonly threadId: string;
  readonly correlationId: string;
  /** See `AgentCallbackContext.attempt`. */
  readonly attempt: number;
  /** When the request was accepted: ISO 8601 in UTC. */
  readonly requestedAt: string;
  /** The caller's span in the format of a `traceparent` header (W3C Trace Context). Optional. */
  readonly traceParent: string | undefined;
  /** Removes secrets from a text before it leaves the run. */
  readonly redact: (text: string) => string;
}

/** One delivery of a run. Exactly one of `answered`, `failed` and `suspended` is called, last. */
export interface RunTrace {
  startModelCall(call: TracedModelCall): ModelCallTrace;
  startToolCall(call: TracedToolCall): ToolCallTrace;
  answered(response: AgentResponse): void;
  failed(error: AgentError): void;
  /** The run waits, for example for approval of a tool call. A later delivery continues it. */
  suspended(): void;
}

/** A model call, with its retries. */
export interface TracedModelCall {
  readonly model: AgentModel;
  readonly streaming: boolean;
  readonly instructions: string;
  /** The conversation that the model gets, oldest first. */
  readonly messages: readonly ThreadMessage[];
  readonly parameters: {
    readonly temperature?: number | undefined;
    readonly maxOutputTokens?: number | undefined;
    readonly reasoningEffort?: string | undefined;
  };
  /** Whether the answer must be JSON. */
  readonly outputType: 'text' | 'json';
}

/** The model of an agent, and its provider. */
export interface AgentModel {
  /** The requested model: the deployment. */
  readonly name: string;
  /** Name in the OpenTelemetry conventions, such as `azure.ai.openai`. */
  readonly provider: string;
  readonly serverAddress: string;
  readonly serverPort: number;
}

/** A call that has ended ignores further calls of its methods. */
export interface ModelCallTrace {
  /** A visible piece has arrived, or the whole text of an answer that is not streamed. */
  chunk(piece: AgentTextUpdate): void;
  answered(answer: TracedAnswer): void;
  failed(error: AgentError): void;
}

export interface TracedAnswer {
  /** The provider's id of the answer. `undefined` if unknown. */
  readonly id: string | undefined;
  /** The provider's name of the model. `undefined` if unknown. */
  readonly model: string | undefined;
  readonly finishReason: AgentFinishReason | 'tool_call';
  /** The tools that the model calls. */
  readonly calls: readonly ModelToolCall[];
  readonly usage: AgentUsage | undefined;
}

export interface TracedToolCall {
  readonly name: string;
  readonly callId: string;
  readonly description: string;
  /** JSON. */
  readonly arguments: unknown;
}

/** A call that has ended ignores further calls of its methods. */
export interface ToolCallTrace {
  /** Calls the tool, whose spans become children of the tool's span. */
  run<Result>(call: () => Result): Result;
  /** @param result - plain JSON */
  answered(result: unknown): void;
  /** @param code - stable and in snake_case: `tool_timeout`, `tool_error`, … */
  failed(code: string, message: string): void;
}
