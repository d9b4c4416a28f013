/** A thread of one agent. Two agents may use the same thread id. */
export interface EventThread {
  /** In its registered spelling. */
  readonly agentName: string;
  readonly threadId: string;
}

/** Returns a map key for a thread. Agent names contain no `|`. */
export function threadKey({ agentName, threadId }: EventThread): string {
  return `${agentName}|${threadId}`;
}
