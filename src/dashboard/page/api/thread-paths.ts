import type { ThreadAddress } from './thread-source.js';

export function threadPathOf({ agentName, threadId }: ThreadAddress): string {
  return `agents/${encodeURIComponent(agentName)}/threads/${encodeURIComponent(threadId)}`;
}

export function runPathOf(thread: ThreadAddress, correlationId: string): string {
  return `${threadPathOf(thread)}/runs/${encodeURIComponent(correlationId)}`;
}

export function eventsPathOf({ agentName, threadId }: ThreadAddress): string {
  return `agents/${encodeURIComponent(agentName)}/callbacks/${encodeURIComponent(threadId)}`;
}
