import type { ServiceSettings } from '../../storage/store-settings.js';

/** Selects the event store and its limits. */
export type CallbackStoreSettings = MemoryStoreSettings | DurableStoreSettings;

export interface MemoryStoreSettings {
  readonly kind: 'memory';
  readonly maxThreads: number;
  readonly maxEventsPerThread: number;
  /** Maximum bytes of events and request messages, in UTF-8. */
  readonly maxBytes: number;
}

export type DurableStoreSettings = ServiceSettings & {
  /** Days until events expire. Undefined: they do not expire. */
  readonly ttlDays?: number;
};
