import {
  MemoryCallbackEventStore,
  type MemoryCallbackEventStoreOptions,
} from '../../src/audit/store/memory-callback-event-store.js';
import { createRecordingLog } from './recording-log.js';

export type Bounds = Partial<Omit<MemoryCallbackEventStoreOptions, 'log'>>;

/** An empty store with room for anything, but for the bounds that are given. */
export function createMemoryStore(options: Partial<MemoryCallbackEventStoreOptions> = {}): MemoryCallbackEventStore {
  return new MemoryCallbackEventStore({
    maxThreads: 1000,
    maxEventsPerThread: 10_000,
    maxBytes: 67_108_864,
    log: createRecordingLog(),
    ...options,
  });
}
