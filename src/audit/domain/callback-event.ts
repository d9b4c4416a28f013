import type { AgentUpdateKind, AgentUsage } from '../../durable-agents/index.js';

/*
 * Events have the names of the wire: they are kept as JSON text, in the order in which the fields are served.
 */

/** What is an update's own. */
export interface StreamEventFields {
  readonly event_type: 'stream';
  readonly update_kind: AgentUpdateKind;
  /** A piece of the answer. */
  readonly text: string;
}

/** What is an answer's own. */
export interface FinalEventFields {
  readonly event_type: 'final';
  /** The whole answer: the texts of the run's stream events of kind `text`, joined. */
  readonly response_text: string;
  /** `null` when the model gave none. */
  readonly usage: UsageDetails | null;
  /** `length`: the answer is cut at the model's token limit. */
  readonly finish_reason: string;
}

/** What is a failure's own: a run that ended without an answer. */
export interface FailedEventFields {
  readonly event_type: 'failed';
  readonly error_code: string;
  readonly error_message: string;
}

/** What one callback call adds to a run, whatever the run is. */
export type CallbackEventFields = StreamEventFields | FinalEventFields | FailedEventFields;

/** Tokens of a run, under the names of the wire. */
export interface UsageDetails {
  readonly type: 'usage_details';
  readonly input_token_count: number;
  readonly output_token_count: number;
  readonly total_token_count: number;
  /** Counts that only some models report. */
  readonly [extra: `${string}_token_count`]: number;
}

/** One callback call, as it is served: what is the run's comes first, what the store knows of it last. */
export type CallbackEvent = CallbackEventFields & {
  /** When the callback ran: ISO 8601 in UTC, to the millisecond. */
  readonly timestamp: string;
  readonly agent_name: string;
  readonly thread_id: string;
  readonly correlation_id: string;
  readonly request_message: string;
  /** When the run's request was accepted: ISO 8601 in UTC. */
  readonly run_started_at: string;
  /** Which delivery of the run it came from, from 1. The events of a run's highest attempt take the place of all others. */
  readonly attempt: number;
  /** On the last event of a run: how many of its events the store could not take. Absence: none. */
  readonly lost_events?: number;
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
