import {
  type AgentResponseUpdate,
  type AgentUpdateKind,
  type AgentUsage,
  cutJson,
  type RunCost,
} from '../../durable-agents/index.js';

const MAX_EVENT_RESULT_BYTES = 4096;

/*
 * Fields have their names on the wire. A store keeps them as JSON text, in the order in which they are served.
 */

/** The fields that the events of all updates share. */
interface UpdateEventFields<Kind extends AgentUpdateKind> {
  readonly event_type: 'stream';
  readonly update_kind: Kind;
  /** A piece of the answer; empty for tool calls and results. */
  readonly text: string;
  /** Round of the run that the event belongs to, from 2. Undefined for the first round. */
  readonly round?: number;
}

interface ToolCallEventFields extends UpdateEventFields<'tool_call'> {
  readonly call_id: string;
  readonly tool_name: string;
  /** An object, or a string if the model did not write a JSON object. */
  readonly arguments: unknown;
}

interface ToolResultEventFields extends UpdateEventFields<'tool_result'> {
  readonly call_id: string;
  readonly tool_name: string;
  /** JSON of at most 4 KiB. A longer result is cut to a string that says so. */
  readonly result: unknown;
  readonly is_error: boolean;
  readonly duration_ms: number;
}

/** The fields of an approval of a tool call: one event for the request, and one for the decision. */
export interface ApprovalEventFields {
  readonly event_type: 'approval';
  /** Always empty. */
  readonly text: '';
  readonly approval_id: string;
  readonly call_id: string;
  readonly tool_name: string;
  /** The arguments from the model, or the approved ones that replace them. */
  readonly arguments: unknown;
  readonly state: 'requested' | 'approved' | 'rejected' | 'expired';
  readonly expires_at: string;
  readonly decided_at?: string;
  /** Id of the principal. Undefined if requests have none, or if nobody decided. */
  readonly decided_by?: string;
  readonly reason?: string;
  readonly arguments_edited?: true;
}

/** The fields of an update. */
export type StreamEventFields = UpdateEventFields<'text' | 'reasoning'> | ToolCallEventFields | ToolResultEventFields;

/** The fields of an answer. */
export interface FinalEventFields {
  readonly event_type: 'final';
  /** The whole answer: the texts of the stream events of kind `text` of the run's last round, joined. */
  readonly response_text: string;
  /** `null` if the model reports none. */
  readonly usage: UsageDetails | null;
  /** Undefined if the price or the usage is unknown. */
  readonly cost?: RunCost;
  /** `length` if the model's token limit cut the answer. */
  readonly finish_reason: string;
  /** Number of the thread's earlier turns that the model did not get. Undefined if it got all of them. */
  readonly omitted_turn_count?: number;
}

/** The fields of a failure: the run ended without an answer. */
export interface FailedEventFields {
  readonly event_type: 'failed';
  readonly error_code: string;
  readonly error_message: string;
  /** Number of earlier turns that a second try left out, because the conversation was too long for the model. */
  readonly omitted_turn_count?: number;
}

/** The fields of one callback call, without those of its run. */
export type CallbackEventFields = StreamEventFields | ApprovalEventFields | FinalEventFields | FailedEventFields;

/** Tokens of a run. */
export interface UsageDetails {
  readonly type: 'usage_details';
  readonly input_token_count: number;
  readonly output_token_count: number;
  readonly total_token_count: number;
  /** Counts that only some models report. */
  readonly [extra: `${string}_token_count`]: number;
}

/** One callback call as it is served. */
export type CallbackEvent = CallbackEventFields & {
  /** When the callback ran: ISO 8601 in UTC, to the millisecond. */
  readonly timestamp: string;
  readonly agent_name: string;
  readonly thread_id: string;
  readonly correlation_id: string;
  readonly request_message: string;
  /** When the run's request was accepted: ISO 8601 in UTC. */
  readonly run_started_at: string;
  /** Number of the delivery that it belongs to, from 1. The events of a run's highest attempt supersede all others. */
  readonly attempt: number;
  /** On the last event of a run: how many of its events the store did not receive. Undefined if none. */
  readonly lost_events?: number;
  /** Position in the thread's log: 1 for the first event, without gaps, continued after a clear. */
  readonly sequence: number;
};

/** The fields of an update's event, in the order of the wire. */
export function toUpdateFields(update: AgentResponseUpdate): StreamEventFields | ApprovalEventFields {
  const { round } = update;
  const rounds = round !== undefined && { round };
  switch (update.kind) {
    case 'tool_call': {
      const { kind, text, callId, toolName, arguments: args } = update;
      const call = { call_id: callId, tool_name: toolName, arguments: args };
      return { event_type: 'stream', update_kind: kind, text, ...call, ...rounds };
    }
    case 'tool_result': {
      const { kind, text, callId, toolName, isError, durationMs } = update;
      const result = cutJson(update.result, MAX_EVENT_RESULT_BYTES);
      const ended = { call_id: callId, tool_name: toolName, result, is_error: isError, duration_ms: durationMs };
      return { event_type: 'stream', update_kind: kind, text, ...ended, ...rounds };
    }
    case 'approval': {
      const { text, approvalId, callId, toolName, state, expiresAt } = update;
      const { decidedAt, decidedBy, reason, argumentsEdited } = update;
      return {
        event_type: 'approval',
        text,
        approval_id: approvalId,
        call_id: callId,
        tool_name: toolName,
        arguments: update.arguments,
        state,
        expires_at: expiresAt,
        ...(decidedAt !== undefined && { decided_at: decidedAt }),
        ...(decidedBy !== undefined && { decided_by: decidedBy }),
        ...(reason !== undefined && { reason }),
        ...(argumentsEdited && { arguments_edited: argumentsEdited }),
      };
    }
    default:
      return { event_type: 'stream', update_kind: update.kind, text: update.text, ...rounds };
  }
}

/** `null` if the model reports none. */
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

/** Returns whether an event of this type ends its run. */
export function endsRun(eventType: CallbackEventFields['event_type']): eventType is 'final' | 'failed' {
  return eventType === 'final' || eventType === 'failed';
}
