import type { ApprovalState } from './telemetry-event.js';

/** A tool call that runs only after somebody has approved it, with the wire names. Only the fields that the page uses. */
export interface Approval {
  readonly approval_id: string;
  readonly tool_name: string;
  /** As the model wrote them; events may hold redacted ones. */
  readonly arguments: Readonly<Record<string, unknown>>;
  /** ISO 8601 in UTC. */
  readonly expires_at: string;
  readonly state: ApprovalState;
}

export interface Decision {
  readonly approved: boolean;
  readonly reason?: string;
  /** Replaces the arguments of an approved call. */
  readonly arguments?: object;
}
