import { ConversationAuditTrail } from '../src/audit/recording/conversation-audit-trail.js';
import type { CallbackEventStore } from '../src/audit/store/callback-event-store.js';
import { createCallbackEventStore } from '../src/audit/store/create-callback-event-store.js';
import { StoreHealth } from '../src/audit/recording/store-health.js';
import { type BenchStore, withStore } from './bench-store.js';
import { atLeast, type Figure, median } from './figure.js';
import { createKeyValueStore } from '../src/storage/create-key-value-store.js';
import { quietLog } from './quiet-log.js';

const RUNS = 6;
const UPDATES = 1000;

/** Measures how many events of one thread a service accepts per second if the model is never the bottleneck. */
export async function benchAppendRate(): Promise<Figure[]> {
  const name = `durable appends in one thread of ${UPDATES.toLocaleString('en')} updates`;
  const table = await withStore('table', appendRate);
  const deepTable = await withStore('table', appendRate, { isDeep: true });
  const redis = await withStore('redis', appendRate);
  return [
    atLeast(`${name}, table (Azurite)`, table, 'events/s', 1000),
    { name: `${name}, table (Azurite, finding rows by key first)`, measured: `${Math.round(deepTable)} events/s` },
    { name: `${name}, redis`, measured: `${Math.round(redis)} events/s` },
  ];
}

async function appendRate({ settings }: BenchStore): Promise<number> {
  const values = createKeyValueStore(settings, quietLog);
  const store = createCallbackEventStore(settings, values, quietLog);
  try {
    const rates: number[] = [];
    for (let run = -1; run < RUNS; run += 1) {
      const tookMs = await appendRun(store, run);
      if (run >= 0) rates.push((UPDATES + 1) / (tookMs / 1000));
    }
    return median(rates);
  } finally {
    await store.close();
    await values.close();
  }
}

/** Appends one run of a new thread. @returns its duration in milliseconds */
async function appendRun(store: CallbackEventStore, number: number): Promise<number> {
  const trail = new ConversationAuditTrail({
    store,
    health: new StoreHealth(store),
    log: { updates: false, previewChars: 120 },
  });
  const thread = { agentName: 'CallbackAgent', threadId: `append-rate-${number}` };
  const context = Object.freeze({
    ...thread,
    sessionId: thread.threadId,
    attempt: 1,
    log: quietLog,
    correlationId: '59650737951c41c2ab743c21cb257349',
    requestMessage: 'Tell me about the weather in Paris',
    requestedAt: new Date().toISOString(),
  });
  const start = performance.now();
  trail.onAgentStart(context);
  for (let index = 0; index < UPDATES; index += 1) {
    await trail.onStreamingResponseUpdate({ kind: 'text', text: ` word${index}` }, context);
  }
  await trail.onAgentResponse({ text: 'words', messages: [], finishReason: 'stop' }, context);
  const tookMs = performance.now() - start;
  const { head } = await store.list(thread, { limit: 1 });
  if (head?.newestSequence !== UPDATES + 1) {
    throw new Error(`Expected ${UPDATES + 1} events, found ${head?.newestSequence}.`);
  }
  return tookMs;
}
