import type { CallbackEvent } from '../../src/audit/domain/callback-event.js';
import type { AgentApi } from './agent-api.js';
import type { SseConnection } from './sse-connection.js';

/** The events up to the run's final event for a reader that reconnects whenever its stream ends before that. */
export async function readToFinal(api: AgentApi, threadId: string, first: SseConnection): Promise<CallbackEvent[]> {
  const events: CallbackEvent[] = [];
  let lastId: string | undefined;
  for (let reader = first; ;) {
    const isThere = (): boolean => reader.names.includes('final');
    await Promise.race([reader.ended, reader.until(isThere)]);
    events.push(...reader.events);
    lastId = reader.received.lastId ?? lastId;
    reader.leave();
    if (isThere()) return events;
    reader = await api.stream(threadId, '', { 'last-event-id': lastId ?? '' });
  }
}
