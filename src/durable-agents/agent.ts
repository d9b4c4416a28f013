import type { Logger } from '../functions/logger.js';
import type { RunCost } from './model-price.js';
import type { AgentModel, RunTrace } from './run-tracer.js';
import type { RunApprovals } from './approvals/run-approvals.js';
import type { AnswerFormat } from './structured-output.js';
import type { RunSteps } from './tools/run-steps.js';
import type { Tool } from './tools/tool.js';
import type { JsonObject, ThreadMessage } from './thread/thread-state.js';

/** Tokens of one run, as counted by the model. */
export interface AgentUsage {
  readonly inputTokenCount: number;
  readonly outputTokenCount: number;
  readonly totalTokenCount: number;
  /** Counts that only some models report, by their names in events: `cached_input_token_count`, … */
  readonly extra?: Readonly<Record<string, number>>;
}

/** The kinds of updates: text of the answer or of the reasoning, a tool call, its result, or an approval. */
export type AgentUpdateKind = AgentResponseUpdate['kind'];

/** A streamed piece of text. */
export interface AgentTextUpdate {
  readonly kind: 'text' | 'reasoning';
  /** Callbacks never get an empty text or half of a surrogate pair. */
  readonly text: string;
}

/** The agent calls a tool. */
export interface AgentToolCallUpdate {
  readonly kind: 'tool_call';
  /** Always empty. */
  readonly text: '';
  /** Id of the call within its run. */
  readonly callId: string;
  readonly toolName: string;
  /** An object, or a string if the model did not write a JSON object. */
  readonly arguments: JsonObject | string;
}

/** The result of a tool call, or its failure. */
export interface AgentToolResultUpdate {
  readonly kind: 'tool_result';
  /** Always empty. */
  readonly text: '';
  readonly callId: string;
  readonly toolName: string;
  /** Plain JSON of at most 64 KiB. A longer result is cut to a string that says so. */
  readonly result: unknown;
  /** Whether the call failed. `result` then says why. */
  readonly isError: boolean;
  readonly durationMs: number;
}

/** A tool call waits for a person's approval, or a person has decided. */
export interface AgentApprovalUpdate {
  readonly kind: 'approval';
  /** Always empty. */
  readonly text: '';
  /** Id of the approval within its thread. */
  readonly approvalId: string;
  readonly callId: string;
  readonly toolName: string;
  /** The model's arguments, or the person's edited ones. */
  readonly arguments: JsonObject;
  readonly state: 'requested' | 'approved' | 'rejected' | 'expired';
  /** When the approval expires if nobody decides; the call is then not made. ISO 8601 in UTC. */
  readonly expiresAt: string;
  /** Undefined while the call waits. */
  readonly decidedAt?: string;
  /** Id of the principal who decided. Undefined if requests have none, or if nobody decided. */
  readonly decidedBy?: string;
  readonly reason?: string;
  readonly argumentsEdited?: true;
}

/** A streamed piece of a run. */
export type AgentResponseUpdate = (
  | AgentTextUpdate
  | AgentToolCallUpdate
  | AgentToolResultUpdate
  | AgentApprovalUpdate
) & {
  /**
   * Set by the framework, from 2. After each set of tool results, the model answers in a new round. The texts of the
   * last round are the run's answer. Undefined in the first round.
   */
  readonly round?: number;
};

/** Why the model stopped: its answer is complete, or it was cut at the token limit. */
export type AgentFinishReason = 'stop' | 'length';

/** The end of a stream. A stream without it was cut and contains no answer. */
export interface AgentFinish {
  readonly kind: 'finish';
  readonly finishReason: AgentFinishReason;
  /** Absent when the model gave none. */
  readonly usage?: AgentUsage;
}

/** Ends the stream of a run that waits for approvals. A later delivery continues the run. */
export interface AgentSuspension {
  readonly kind: 'suspension';
}

/** Separates the updates of an earlier delivery of a resumed run from the new ones. */
export interface AgentResumption {
  readonly kind: 'resumption';
}

/** The parts of an agent's stream. */
export type AgentStreamPart = AgentResponseUpdate | AgentFinish | AgentSuspension | AgentResumption;

/** A whole answer. */
export interface AgentResponse {
  /** The texts after the last tool call or result, joined by newlines. Empty if the model wrote no text. */
  readonly text: string;
  readonly messages: readonly ThreadMessage[];
  readonly finishReason: AgentFinishReason;
  /** Absent when the model gave none. */
  readonly usage?: AgentUsage;
  /** Undefined if the price of the model is not known, or its usage. */
  readonly cost?: RunCost;
  /** Number of the thread's earlier turns that the model did not get because of a limit. Undefined if it got all. */
  readonly omittedTurnCount?: number;
}

/** The run that an agent answers, and its options. */
export interface AgentRunOptions {
  /** Aborted when the run times out or is cancelled. The stream must end; its parts are no longer read. */
  readonly signal: AbortSignal;
  readonly threadId: string;
  readonly correlationId: string;
  /** The log of the invocation that runs the agent. */
  readonly log: Logger;
  /** False if the caller wants an answer without tools. */
  readonly enableToolCalls: boolean;
  /** JSON Schema that the answer must match. Undefined: any text. */
  readonly responseSchema?: JsonObject | undefined;
  /** Records finished steps for a delivery after a crash. Undefined: such a delivery starts over. */
  readonly steps?: RunSteps | undefined;
  /** The approvals of tool calls. Undefined: calls that need approval fail. */
  readonly approvals?: RunApprovals | undefined;
  /** Follows the agent's model calls and tool calls. Optional. */
  readonly trace?: RunTrace | undefined;
}

/** Answers messages in threads. */
export interface Agent {
  /** At most 64 letters, digits, `_` and `-`, beginning with a letter. Part of routes and of the entity's name. */
  readonly name: string;
  /** Shown by the health endpoint, such as `ChatAgent`. */
  readonly type: string;
  /** The agent's model. Undefined if there is none, or if it varies. */
  readonly model?: AgentModel;
  /** The agent's tools. Undefined if unknown. */
  readonly tools?: readonly Tool[];
  /** The format of its answers, unless a request asks for another. Undefined: any text. */
  readonly answerFormat?: AnswerFormat;
  /**
   * Answers the conversation so far, whose last message is the request.
   *
   * @param messages - the conversation, oldest first, without failed turns and reasoning. The agent adds its
   * instructions.
   * @returns the updates, then one {@link AgentFinish} with the usage of the whole run, or an {@link AgentSuspension}.
   * Throws an {@link AgentError} for a failure that callers may read.
   */
  run(messages: readonly ThreadMessage[], options: AgentRunOptions): AsyncIterable<AgentStreamPart>;
}

/** An agent whose answers follow a schema. `answerFormat.parse` parses the text of an answer. */
export interface StructuredAgent<Answer> extends Agent {
  readonly answerFormat: AnswerFormat<Answer>;
}
