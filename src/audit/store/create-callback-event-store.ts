import type { Logger } from '../../functions/logger.js';
import type { KeyValueStore } from '../../storage/key-value-store.js';
import type { CallbackEventStore } from './callback-event-store.js';
import type { CallbackStoreSettings } from './callback-store-settings.js';
import { DurableEventStore } from './durable/durable-event-store.js';
import { purgeExpiredEvents } from './durable/purge-expired-events.js';
import { MemoryEventStore } from './memory/memory-event-store.js';

const MS_PER_DAY = 86_400_000;
/** Time limit of the daily purge, well below the shortest `functionTimeout` of any hosting plan (5 minutes). */
const PURGE_TIMEOUT_MS = 120_000;

/**
 * Creates the event store that the settings select.
 *
 * @param values - stores the events, unless the settings select `memory`, whose limits apply only to events. The caller
 * closes it.
 */
export function createCallbackEventStore(
  settings: CallbackStoreSettings,
  values: KeyValueStore,
  log: Logger,
): CallbackEventStore {
  if (settings.kind === 'memory') return new MemoryEventStore({ ...settings, log });
  return new DurableEventStore(settings.kind, values, { log });
}

/**
 * Creates a function that drops expired events. Call it once a day.
 *
 * @param onExpired - removes other data from before the given time. Called last.
 * @returns undefined if events do not expire
 */
export function createEventPurge(
  settings: CallbackStoreSettings,
  values: KeyValueStore,
  log: Logger,
  onExpired: (before: Date) => Promise<void>,
): (() => Promise<void>) | undefined {
  if (settings.kind === 'memory' || settings.ttlDays === undefined) return undefined;
  const { kind, ttlDays } = settings;
  return async () => {
    const cutoff = new Date(Date.now() - ttlDays * MS_PER_DAY);
    await purgeExpiredEvents({
      store: new DurableEventStore(kind, values, { log }),
      cutoff: cutoff.toISOString(),
      signal: AbortSignal.timeout(PURGE_TIMEOUT_MS),
      log,
    });
    await onExpired(cutoff);
  };
}
