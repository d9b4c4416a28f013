import { setTimeout as delay } from 'node:timers/promises';
import { MemoryEventStore } from '../src/audit/store/memory/memory-event-store.js';

const MAX_BYTES = 67_108_864;

/** A separate process that fills the default store with 1,000 threads of 100 events of 1 KiB, and prints the memory. */
async function main(): Promise<void> {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error('Start this with --expose-gc.');
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const store = new MemoryEventStore({
    maxThreads: 1000,
    maxEventsPerThread: 10_000,
    maxBytes: MAX_BYTES,
    log,
  });
  await collect(gc);
  const before = process.memoryUsage();
  for (let thread = 0; thread < 1000; thread += 1) {
    const run = {
      correlationId: thread.toString(16).padStart(32, '0'),
      requestMessage: 'fill',
      acceptedAt: '2026-01-01T00:00:00.000Z',
    };
    const of = { agentName: 'CallbackAgent', threadId: `thread-${thread}` };
    const attempt = await store.beginAttempt(of, run, `token-${thread}`, run.acceptedAt);
    for (let index = 0; index < 100; index += 1) {
      const fields = `"event_type":"stream","update_kind":"text","text":"${String(index).padEnd(940, 'x')}"`;
      await store.append(attempt, index, [{ timestamp: run.acceptedAt, eventType: 'stream', fields }]);
    }
  }
  await collect(gc);
  const after = process.memoryUsage();
  process.stdout.write(
    JSON.stringify({
      maxBytes: MAX_BYTES,
      keptBytes: store.byteLength,
      // The text is in array buffers, which heapUsed does not include.
      takenBytes: after.heapUsed - before.heapUsed + after.arrayBuffers - before.arrayBuffers,
    }),
  );
}

/** Collects twice, with a pause, because buffers are freed after a collection, not during it. */
async function collect(gc: NodeJS.GCFunction): Promise<void> {
  gc();
  await delay(200);
  gc();
}

void main();
