/** The statuses of a run. The last three are final. */
export const RUN_STATUSES = {
  queued: 'Queued',
  running: 'Running',
  waiting_for_approval: 'Waiting for approval',
  completed: 'Completed',
  failed: 'Failed',
  cancelled: 'Cancelled',
} as const;

export type RunStatus = keyof typeof RUN_STATUSES;

/** A thread in the list, with the wire names. */
export interface ThreadSummary {
  readonly thread_id: string;
  /** The beginning of its first message. */
  readonly title: string;
  /** Status of its newest run. */
  readonly status: RunStatus;
  /** When its newest run started or ended: ISO 8601 in UTC. */
  readonly last_activity_at: string;
  readonly event_count: number;
  readonly run_count: number;
  readonly failed_run_count: number;
  readonly total_token_count: number;
}

/** Which threads to list. Empty and undefined mean all. */
export interface ThreadFilter {
  /** Part of an id or title. Ignores case. */
  readonly text: string;
  readonly status: RunStatus | '';
  /** Only threads with activity within this time. */
  readonly sinceMs: number | undefined;
  readonly agentName: string;
}
