/** The app's record of a run, which outlives its events. With the wire names; only the fields that the page uses. */
export interface RunRecord {
  /** The message that started it, as it was sent. Events may hold a redacted one. */
  readonly message: string;
  /** When it left the queue: ISO 8601 in UTC. Absent while it is queued. */
  readonly started_at?: string;
}
