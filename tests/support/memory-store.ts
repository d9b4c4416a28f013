import {
  MemoryCallbackEventStore,
  type MemoryCallbackEventStoreOptions,
} from '../../src/audit/memory-callback-event-store.js';
import { createRecordingLog } from './recording-log.js';

/** An empty store with room for anything, but for the bounds that are given. */
export function createMemoryStore(bounds: Partial<MemoryCallbackEventStoreOptions> = {}): MemoryCallbackEventStore {
  return new MemoryCallbackEventStore({
    maxThreads: 1000,
    maxEventsPerThread: 10_000,
    maxBytes: 67_108_864,
    log: createRecordingLog(),
    ...bounds,
  });
}
