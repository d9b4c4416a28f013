import type { AgentFinish, AgentTextUpdate } from '../agent.js';
import type { AgentModel, RunTrace } from '../run-tracer.js';
import type { JsonObject, ThreadMessage } from '../thread/thread-state.js';
import type { Tool } from './tool.js';

/** A complete tool call, as the model wrote it. */
export interface ModelToolCall {
  readonly kind: 'tool_call';
  /** Empty if the endpoint sent none. */
  readonly callId: string;
  readonly toolName: string;
  /** Usually a JSON object, but not validated. */
  readonly arguments: string;
}

/** The parts of a model's answer: text, then tool calls, then the end. */
export type ModelPart = AgentTextUpdate | ModelToolCall | AgentFinish;

/** One request to a model. */
export interface ModelRequest {
  /** Oldest first, including tool calls and results. The model adds its instructions. */
  readonly messages: readonly ThreadMessage[];
  /** The tools that the model may call. May be empty. */
  readonly tools: readonly Pick<Tool, 'name' | 'description' | 'parameters'>[];
  /** JSON Schema that the answer must match. Undefined: any text. */
  readonly responseSchema?: JsonObject | undefined;
  /** False asks for the whole answer at once. */
  readonly streaming: boolean;
  readonly signal: AbortSignal;
  /** Follows the call. Optional. */
  readonly trace?: RunTrace | undefined;
}

/** A model. Implement it to use another one than Azure OpenAI. */
export interface ChatModel {
  /** Name and provider. Undefined if unknown. */
  readonly info?: AgentModel;
  /**
   * Makes one call of the model, without retries.
   *
   * @returns the parts of its answer, then one {@link AgentFinish}. It throws an `AgentError`, whose `recovery` says
   * whether the call may be retried if no part of the answer was seen.
   */
  ask(request: ModelRequest): AsyncIterable<ModelPart>;
}
