import type { EventThread } from '../store/callback-event-store.js';

/** Names a thread among those of all agents. Neither agent names nor thread ids hold a `|`. */
export function threadKey({ agentName, threadId }: EventThread): string {
  return `${agentName}|${threadId}`;
}
