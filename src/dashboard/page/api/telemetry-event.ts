/*
 * Events as served by the app, with their wire names. Only the fields that the page uses.
 */

interface EventOfRun {
  /** Position among the thread's events. */
  readonly sequence: number;
  /** When the callback ran: ISO 8601 in UTC. */
  readonly timestamp: string;
  readonly correlation_id: string;
  readonly request_message: string;
  /** When the run began: ISO 8601 in UTC. Optional. */
  readonly run_started_at?: string;
  /**
   * Delivery of the run, from 1; 1 if absent. Events of a later attempt supersede those of all earlier ones.
   */
  readonly attempt?: number;
}

export interface StreamEvent extends EventOfRun {
  readonly event_type: 'stream';
  readonly update_kind: string;
  readonly text: string;
  /** Round of the run; 1 if absent. */
  readonly round?: number;
  /** Set for a tool call or its result, like the fields after it. */
  readonly call_id?: string;
  readonly tool_name?: string;
  readonly arguments?: unknown;
  readonly result?: unknown;
  readonly is_error?: boolean;
  readonly duration_ms?: number;
}

export interface FinalEvent extends EventOfRun {
  readonly event_type: 'final';
  readonly response_text: string;
  readonly usage: TokenCounts | null;
  readonly cost?: Cost;
  /** `length` means that the answer was cut at the model's token limit. */
  readonly finish_reason?: string;
  /** Number of events of the run that were not stored; none if absent. */
  readonly lost_events?: number;
}

export interface FailedEvent extends EventOfRun {
  readonly event_type: 'failed';
  readonly error_code: string;
  readonly error_message: string;
  /** Same as in {@link FinalEvent}. */
  readonly lost_events?: number;
}

export interface ApprovalEvent extends EventOfRun {
  readonly event_type: 'approval';
  readonly approval_id: string;
  readonly call_id: string;
  readonly tool_name: string;
  readonly arguments: unknown;
  readonly state: ApprovalState;
  readonly reason?: string;
  readonly decided_by?: string;
}

/** State of an approval. `expired` counts as rejected. */
export type ApprovalState = 'requested' | 'approved' | 'rejected' | 'expired';

export interface Cost {
  readonly amount: number;
  readonly currency: string;
}

export interface TokenCounts {
  readonly input_token_count: number;
  readonly output_token_count: number;
  readonly total_token_count: number;
}

export type TelemetryEvent = StreamEvent | FinalEvent | FailedEvent | ApprovalEvent;

/** An event as received: only the first event of a run is guaranteed to carry the request message. */
export type ReceivedEvent = TelemetryEvent extends infer Event
  ? Event extends TelemetryEvent
    ? Omit<Event, 'request_message'> & { readonly request_message?: string }
    : never
  : never;

/** Sent on a live stream when an attempt was interrupted: it and all earlier ones are superseded. */
export interface SupersededAttempt {
  readonly correlation_id: string;
  readonly attempt: number;
}

/** Returns the attempt that an event belongs to. */
export function attemptOf({ attempt = 1 }: TelemetryEvent): number {
  return attempt;
}
