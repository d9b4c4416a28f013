/** A thread in the list, with the wire names. */
export interface ThreadSummary {
  readonly thread_id: string;
  /** When its newest run began or ended: ISO 8601 in UTC. */
  readonly last_activity_at: string;
  /** `null` if it has no events. */
  readonly last_event_at: string | null;
  readonly event_count: number;
  readonly run_count: number;
  readonly failed_run_count: number;
  readonly last_event_type: string | null;
  readonly total_token_count: number;
}
