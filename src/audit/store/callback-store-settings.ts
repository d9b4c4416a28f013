import type { ServiceSettings } from '../../storage/store-settings.js';

/** Which store keeps events, and for how long. */
export type CallbackStoreSettings = MemoryStoreSettings | DurableStoreSettings;

export interface MemoryStoreSettings {
  readonly kind: 'memory';
  readonly maxThreads: number;
  readonly maxEventsPerThread: number;
  /** UTF-8 bytes of events and request messages. */
  readonly maxBytes: number;
}

export type DurableStoreSettings = ServiceSettings & {
  /** Older events are dropped. Undefined: events do not expire. */
  readonly ttlDays?: number;
};
