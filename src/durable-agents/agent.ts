import type { Logger } from '../functions/logger.js';
import type { RunCost } from './model-price.js';
import type { AgentModel, RunTrace } from './run-tracer.js';
import type { RunApprovals } from './approvals/run-approvals.js';
import type { AnswerFormat } from './structured-output.js';
import type { RunSteps } from './tools/run-steps.js';
import type { Tool } from './tools/tool.js';
import type { JsonObject, ThreadMessage } from './thread/thread-state.js';

/** Tokens of one run, as the model counted them. */
export interface AgentUsage {
  readonly inputTokenCount: number;
  readonly outputTokenCount: number;
  readonly totalTokenCount: number;
  /** Counts that only some models report, by their name in events: `cached_input_token_count`, … */
  readonly extra?: Readonly<Record<string, number>>;
}

/** What an update is: words of the answer or of the reasoning that led to it, a call of a tool, or its result. */
export type AgentUpdateKind = AgentResponseUpdate['kind'];

/** A streamed piece of text, in the order in which the model made it. */
export interface AgentTextUpdate {
  readonly kind: 'text' | 'reasoning';
  /** Never empty, and never half of a surrogate pair, when a callback gets it. */
  readonly text: string;
}

/** The agent calls a tool. */
export interface AgentToolCallUpdate {
  readonly kind: 'tool_call';
  /** Always empty. */
  readonly text: '';
  /** Names the call within its run. */
  readonly callId: string;
  readonly toolName: string;
  /** An object; what the model wrote, as text, if that is not the JSON of one. */
  readonly arguments: JsonObject | string;
}

/** A tool has returned, or its call has failed. */
export interface AgentToolResultUpdate {
  readonly kind: 'tool_result';
  /** Always empty. */
  readonly text: '';
  readonly callId: string;
  readonly toolName: string;
  /** Plain JSON of at most 64 KiB. A longer result is a text that is cut and says so. */
  readonly result: unknown;
  /** Whether the call failed. `result` then says why. */
  readonly isError: boolean;
  readonly durationMs: number;
}

/** A call of a tool waits for a person's approval, or a person has decided about it. */
export interface AgentApprovalUpdate {
  readonly kind: 'approval';
  /** Always empty. */
  readonly text: '';
  /** Names the approval within its thread. */
  readonly approvalId: string;
  readonly callId: string;
  readonly toolName: string;
  /** Those of the model, or those that the person put in their place. */
  readonly arguments: JsonObject;
  readonly state: 'requested' | 'approved' | 'rejected' | 'expired';
  /** When the call is refused if nobody decides: ISO 8601 in UTC. */
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
   * Set by the framework from 2 on: after each set of tool results the model answers again. The texts of the last round
   * are the run's answer. Undefined in the first round.
   */
  readonly round?: number;
};

/** Why the model stopped: it was done, or it reached its token limit and the answer is cut there. */
export type AgentFinishReason = 'stop' | 'length';

/** The end of a stream. A stream without it was cut, and contains no answer. */
export interface AgentFinish {
  readonly kind: 'finish';
  readonly finishReason: AgentFinishReason;
  /** Absent when the model gave none. */
  readonly usage?: AgentUsage;
}

/** Ends the stream of a run that waits for approvals: it goes on in a later delivery. */
export interface AgentSuspension {
  readonly kind: 'suspension';
}

/** Separates what an earlier delivery of a run that has waited has shown from what is new. */
export interface AgentResumption {
  readonly kind: 'resumption';
}

/** What an agent's stream is made of. */
export type AgentStreamPart = AgentResponseUpdate | AgentFinish | AgentSuspension | AgentResumption;

/** A whole answer. */
export interface AgentResponse {
  /** The texts after the last tool call or result, joined by newlines; the empty string when the model said nothing. */
  readonly text: string;
  readonly messages: readonly ThreadMessage[];
  readonly finishReason: AgentFinishReason;
  /** Absent when the model gave none. */
  readonly usage?: AgentUsage;
  /** Undefined if the price of the model is not known, or its usage. */
  readonly cost?: RunCost;
  /** How many of the thread's earlier turns the model did not get, because of a limit. Undefined if it got all of them. */
  readonly omittedTurnCount?: number;
}

/** The run that an agent answers, and what it may use. */
export interface AgentRunOptions {
  /** Aborted when the run is over its time; the stream should end. Its parts are no longer read. */
  readonly signal: AbortSignal;
  readonly threadId: string;
  readonly correlationId: string;
  /** The log of the invocation that runs the agent. */
  readonly log: Logger;
  /** False if the caller wants an answer without tools. */
  readonly enableToolCalls: boolean;
  /** JSON Schema that the answer must fit. Undefined: any text. */
  readonly responseSchema?: JsonObject | undefined;
  /** Records what is finished, for a delivery after a crash. Undefined: such a delivery starts over. */
  readonly steps?: RunSteps | undefined;
  /** The approvals of tool calls. Undefined: calls that need one fail. */
  readonly approvals?: RunApprovals | undefined;
  /** Follows the agent's model calls and tool calls. Optional. */
  readonly trace?: RunTrace | undefined;
}

/** What answers in a thread. */
export interface Agent {
  /** Letters, digits, `_` and `-`, beginning with a letter, at most 64; part of routes and of the entity's name. */
  readonly name: string;
  /** Shown by the health endpoint: `ChatAgent` for an agent over chat completions. */
  readonly type: string;
  /** The model that it asks, if it is always the same one. */
  readonly model?: AgentModel;
  /** The tools that it can call. Undefined if it does not tell. */
  readonly tools?: readonly Tool[];
  /** The shape of its answers, unless a request asks for another one. Undefined: any text. */
  readonly answerFormat?: AnswerFormat;
  /**
   * Answers the conversation so far, whose last message is the request.
   *
   * @param messages the conversation, oldest first, without failed turns and reasoning; the agent adds its instructions
   * @returns the updates, then one {@link AgentFinish} with the usage of the whole run, or an {@link AgentSuspension}. It throws an {@link AgentError}
   * for a failure that callers may read.
   */
  run(messages: readonly ThreadMessage[], options: AgentRunOptions): AsyncIterable<AgentStreamPart>;
}

/** An agent whose answers have a shape: `answerFormat.parse` reads the text of one. */
export interface StructuredAgent<Answer> extends Agent {
  readonly answerFormat: AnswerFormat<Answer>;
}
