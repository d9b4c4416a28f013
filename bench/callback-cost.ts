import { ConversationAuditTrail } from '../src/audit/conversation-audit-trail.js';
import { MemoryCallbackEventStore } from '../src/audit/memory-callback-event-store.js';
import type { Logger } from '../src/durable-agents/index.js';
import { atMost, type Figure, median } from './figure.js';

const noLog: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** What the audit trail and the store in memory cost per update, without the log line's way to the host. */
export async function benchCallbackCost(): Promise<Figure[]> {
  const store = new MemoryCallbackEventStore({
    maxThreads: 1000,
    maxEventsPerThread: 10_000,
    maxBytes: 67_108_864,
    log: noLog,
  });
  const trail = new ConversationAuditTrail({ store, log: noLog, previewChars: 120 });
  const timesUs: number[] = [];
  for (let run = 0; run < 100; run += 1) {
    const context = Object.freeze({
      agentName: 'CallbackAgent',
      threadId: `thread-${run}`,
      correlationId: run.toString(16).padStart(32, '0'),
      requestMessage: 'Tell me about the weather in Paris',
      requestedAt: '2026-01-01T00:00:00.000Z',
    });
    for (let index = 0; index < 200; index += 1) {
      const start = performance.now();
      await trail.onStreamingResponseUpdate({ kind: 'text', text: ` word${index}` }, context);
      timesUs.push((performance.now() - start) * 1000);
    }
  }
  return [atMost('callback and memory store, per update', median(timesUs), 'µs', 8)];
}
