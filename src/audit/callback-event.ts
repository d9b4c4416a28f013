import type { AgentUpdateKind, AgentUsage } from '../durable-agents/index.js';

/*
 * Events have the names of the wire: they are kept as the JSON that is served. The fields stand in the order in which
 * they are served.
 */

/** What every event says first. */
export interface EventOfRun {
  /** When the callback ran: ISO 8601 in UTC, to the millisecond. */
  readonly timestamp: string;
  readonly agent_name: string;
  readonly thread_id: string;
  readonly correlation_id: string;
  readonly request_message: string;
}

/** What every event says behind what is its own. */
export interface TimesOfRun {
  /** When the run's request was accepted: ISO 8601 in UTC. */
  readonly run_started_at: string;
}

/** A piece of the answer. */
export interface StreamEvent extends EventOfRun, TimesOfRun {
  readonly event_type: 'stream';
  readonly update_kind: AgentUpdateKind;
  readonly text: string;
}

/** The whole answer: the texts of the run's stream events of kind `text`, joined. */
export interface FinalEvent extends EventOfRun, TimesOfRun {
  readonly event_type: 'final';
  readonly response_text: string;
  /** `null` when the model gave none. */
  readonly usage: UsageDetails | null;
  /** `length`: the answer is cut at the model's token limit. */
  readonly finish_reason: string;
}

/** A run that ended without an answer. */
export interface FailedEvent extends EventOfRun, TimesOfRun {
  readonly event_type: 'failed';
  readonly error_code: string;
  readonly error_message: string;
}

/** Tokens of a run, under the names of the wire. */
export interface UsageDetails {
  readonly type: 'usage_details';
  readonly input_token_count: number;
  readonly output_token_count: number;
  readonly total_token_count: number;
  /** Counts that only some models report. */
  readonly [extra: `${string}_token_count`]: number;
}

/** One callback call, before a store has given it its place. */
export type NewCallbackEvent = StreamEvent | FinalEvent | FailedEvent;

/** One callback call, as it is kept and served. */
export type CallbackEvent = NewCallbackEvent & {
  /** Position in the thread's record: 1 for the first event, then without gaps, also across a clear. */
  readonly sequence: number;
};

/** `null` when the model gave none. */
export function toUsageDetails(usage: AgentUsage | undefined): UsageDetails | null {
  if (usage === undefined) return null;
  return {
    type: 'usage_details',
    input_token_count: usage.inputTokenCount,
    output_token_count: usage.outputTokenCount,
    total_token_count: usage.totalTokenCount,
    ...usage.extra,
  };
}
