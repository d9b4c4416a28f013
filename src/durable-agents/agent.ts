import type { AgentModel, RunTrace } from './run-tracer.js';
import type { ThreadMessage } from './thread/thread-state.js';

/** Tokens of one run, as the model counted them. */
export interface AgentUsage {
  readonly inputTokenCount: number;
  readonly outputTokenCount: number;
  readonly totalTokenCount: number;
  /** Counts that only some models report, by their name in events: `cached_input_token_count`, … */
  readonly extra?: Readonly<Record<string, number>>;
}

/** What a streamed piece is: words of the answer, or of the reasoning that led to it. */
export type AgentUpdateKind = 'text' | 'reasoning';

/** A streamed piece of an answer, in the order in which the model made it. */
export interface AgentResponseUpdate {
  readonly kind: AgentUpdateKind;
  /** Never empty, and never half of a surrogate pair, when a callback gets it. */
  readonly text: string;
}

/** Why the model stopped: it was done, or it reached its token limit and the answer is cut there. */
export type AgentFinishReason = 'stop' | 'length';

/** The end of a stream. A stream without it was cut, and holds no answer. */
export interface AgentFinish {
  readonly kind: 'finish';
  readonly finishReason: AgentFinishReason;
  /** Absent when the model gave none. */
  readonly usage?: AgentUsage;
}

/** What an agent's stream is made of. */
export type AgentStreamPart = AgentResponseUpdate | AgentFinish;

/** A whole answer. */
export interface AgentResponse {
  /** The texts of `messages`, joined by newlines; the empty string when the model said nothing. */
  readonly text: string;
  readonly messages: readonly ThreadMessage[];
  readonly finishReason: AgentFinishReason;
  /** Absent when the model gave none. */
  readonly usage?: AgentUsage;
  /** How many of the thread's earlier turns the model did not get, because of a limit. Undefined if it got all of them. */
  readonly omittedTurnCount?: number;
}

export interface AgentRunOptions {
  /** Aborted when the run is over its time; the stream should end, and nobody waits for it any more. */
  readonly signal: AbortSignal;
  /** False asks for the whole answer in one update. */
  readonly streaming: boolean;
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
  /**
   * Answers the conversation so far, whose last message is the request.
   *
   * @param messages what was said, oldest first, without failed turns and reasoning; the agent adds its instructions
   * @returns the updates, then one {@link AgentFinish}; throws {@link AgentError} for a failure that callers may read
   */
  run(messages: readonly ThreadMessage[], options: AgentRunOptions): AsyncIterable<AgentStreamPart>;
}
