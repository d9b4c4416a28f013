import { ConversationAuditTrail } from '../src/audit/recording/conversation-audit-trail.js';
import { MemoryEventStore } from '../src/audit/store/memory/memory-event-store.js';
import { StoreHealth } from '../src/audit/recording/store-health.js';
import { atMost, type Figure, median } from './figure.js';
import { quietLog } from './quiet-log.js';

const UPDATES = 200;
const RUNS = 100;
/** Until the code is compiled. Without them, the figure is the cost of the app's first runs. */
const WARM_UP_RUNS = 400;

/**
 * Measures the cost of the audit trail and the memory store per update, including the run's start and end, but not log
 * output.
 */
export async function benchCallbackCost(): Promise<Figure[]> {
  const store = new MemoryEventStore({
    maxThreads: 1000,
    maxEventsPerThread: 10_000,
    maxBytes: 67_108_864,
    log: quietLog,
  });
  const trail = new ConversationAuditTrail({
    store,
    health: new StoreHealth(store),
    log: { updates: false, previewChars: 120 },
  });
  const timesUs: number[] = [];
  for (let run = 0; run < WARM_UP_RUNS + RUNS; run += 1) {
    const context = Object.freeze({
      agentName: 'CallbackAgent',
      sessionId: `thread-${run}`,
      threadId: `thread-${run}`,
      attempt: 1,
      log: quietLog,
      correlationId: run.toString(16).padStart(32, '0'),
      requestMessage: 'Tell me about the weather in Paris',
      requestedAt: '2026-01-01T00:00:00.000Z',
    });
    const start = performance.now();
    trail.onAgentStart(context);
    for (let index = 0; index < UPDATES; index += 1) {
      await trail.onStreamingResponseUpdate({ kind: 'text', text: ` word${index}` }, context);
    }
    await trail.onAgentResponse({ text: 'words', messages: [], finishReason: 'stop' }, context);
    timesUs.push(((performance.now() - start) * 1000) / UPDATES);
  }
  return [atMost('callback and memory store, per update', median(timesUs.slice(WARM_UP_RUNS)), 'µs', 8)];
}
