/** A thread in the list, with the wire names. */
export interface ThreadSummary {
  readonly thread_id: string;
  /** ISO 8601 in UTC, as is `last_event_at`. */
  readonly first_event_at: string;
  readonly last_event_at: string;
  readonly event_count: number;
  readonly run_count: number;
  readonly failed_run_count: number;
  readonly last_event_type: string;
  readonly total_token_count: number;
}
