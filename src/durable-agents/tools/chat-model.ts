import type { AgentFinish, AgentTextUpdate } from '../agent.js';
import type { AgentModel, RunTrace } from '../run-tracer.js';
import type { JsonObject, ThreadMessage } from '../thread/thread-state.js';
import type { Tool } from './tool.js';

/** A call as the model wrote it, once all of it has come. */
export interface ModelToolCall {
  readonly kind: 'tool_call';
  /** Empty if the endpoint gave none. */
  readonly callId: string;
  readonly toolName: string;
  /** JSON of an object, if the model wrote one. */
  readonly arguments: string;
}

/** What a model's answer is made of: text, then its tool calls, then the end. */
export type ModelPart = AgentTextUpdate | ModelToolCall | AgentFinish;

/** One question to a model. */
export interface ModelRequest {
  /** Oldest first, tool calls and results included. The model adds its instructions. */
  readonly messages: readonly ThreadMessage[];
  /** What the model may call; empty if nothing. */
  readonly tools: readonly Pick<Tool, 'name' | 'description' | 'parameters'>[];
  /** JSON Schema that the answer must fit. Undefined: any text. */
  readonly responseSchema?: JsonObject | undefined;
  /** False asks for the whole answer at once. */
  readonly streaming: boolean;
  readonly signal: AbortSignal;
  /** Follows the call. Optional. */
  readonly trace?: RunTrace | undefined;
}

/** A model behind an API. Implement it to use another one than Azure OpenAI. */
export interface ChatModel {
  /** What it is and who serves it. Undefined if that is not known. */
  readonly info?: AgentModel;
  /**
   * Makes one call of the model, without repeating it.
   *
   * @returns the parts of its answer, then one {@link AgentFinish}. It throws an `AgentError`, whose `recovery` says
   * whether the call may be made again if nothing of the answer was seen.
   */
  ask(request: ModelRequest): AsyncIterable<ModelPart>;
}
