/** Address of a thread's telemetry. */
export interface ThreadAddress {
  /** Address of the app, without `/api`. */
  readonly base: string;
  readonly agentName: string;
  readonly threadId: string;
  /** Function key to send, if any. */
  readonly key: string | undefined;
}

export function streamUrlOf({ base, agentName, threadId }: ThreadAddress): string {
  return `${base}/api/agents/${encodeURIComponent(agentName)}/callbacks/${encodeURIComponent(threadId)}/stream`;
}
