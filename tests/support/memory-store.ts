import { MemoryEventStore } from '../../src/audit/store/memory/memory-event-store.js';
import type { MemoryBounds } from '../../src/audit/store/memory/memory-threads.js';
import { createRecordingLog } from './recording-log.js';

export type Bounds = Partial<Omit<MemoryBounds, 'log'>>;

/** An empty store without limits, except for the given ones. */
export function createMemoryStore(options: Partial<MemoryBounds> = {}): MemoryEventStore {
  return new MemoryEventStore({
    maxThreads: 1000,
    maxEventsPerThread: 10_000,
    maxBytes: 67_108_864,
    log: createRecordingLog(),
    ...options,
  });
}
