/*
 * Events as the app serves them, in the names of the wire; only the fields that the page uses.
 */

interface EventOfRun {
  /** Position in the thread's record. */
  readonly sequence: number;
  /** When the callback ran: ISO 8601 in UTC. */
  readonly timestamp: string;
  readonly correlation_id: string;
  readonly request_message: string;
  /** When the run began: ISO 8601 in UTC. Absent where the app does not tell. */
  readonly run_started_at?: string;
  /**
   * Which delivery of the run it came from, from 1; absent where the app does not tell, which is taken for 1. Events of a
   * larger attempt take the place of those of all smaller ones.
   */
  readonly attempt?: number;
}

export interface StreamEvent extends EventOfRun {
  readonly event_type: 'stream';
  readonly update_kind: string;
  readonly text: string;
}

export interface FinalEvent extends EventOfRun {
  readonly event_type: 'final';
  readonly response_text: string;
  readonly usage: TokenCounts | null;
  /** `length`: the answer is cut at the model's token limit. */
  readonly finish_reason?: string;
  /** The answer is in the conversation. Absent while that is not known. */
  readonly committed?: true;
  /** How many events of the run its record lacks; absent: none. */
  readonly lost_events?: number;
}

export interface FailedEvent extends EventOfRun {
  readonly event_type: 'failed';
  readonly error_code: string;
  readonly error_message: string;
  /** As of a {@link FinalEvent}. */
  readonly lost_events?: number;
}

export interface TokenCounts {
  readonly input_token_count: number;
  readonly output_token_count: number;
  readonly total_token_count: number;
}

export type TelemetryEvent = StreamEvent | FinalEvent | FailedEvent;

/** What a live stream says, beside events, of an attempt that was cut off: its events and those before are void. */
export interface SupersededAttempt {
  readonly correlation_id: string;
  readonly attempt: number;
}

/** Which delivery of its run an event came from. */
export function attemptOf({ attempt = 1 }: TelemetryEvent): number {
  return attempt;
}
