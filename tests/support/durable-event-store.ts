import { onTestFinished } from 'vitest';
import { DurableEventStore, type DurableEventStoreOptions } from '../../src/audit/store/durable/durable-event-store.js';
import type { EventThread } from '../../src/audit/domain/event-thread.js';
import { toEntityKey } from '../../src/durable-agents/index.js';
import { createKeyValueStore } from '../../src/storage/create-key-value-store.js';
import type { ServiceSettings } from '../../src/storage/store-settings.js';
import { createRecordingLog } from './recording-log.js';

/** An event store with its own connection, like another process. Closing the store closes the connection. */
export function openDurableEventStore(
  settings: ServiceSettings,
  options?: DurableEventStoreOptions,
): DurableEventStore {
  const values = createKeyValueStore(settings, createRecordingLog());
  const store = new DurableEventStore(settings.kind, values, options);
  const close = store.close.bind(store);
  store.close = async () => {
    await close();
    await values.close();
  };
  return store;
}

/** The same, closed at the end of the test. */
export function openDurableEventStoreForTest(
  settings: ServiceSettings,
  options?: DurableEventStoreOptions,
): DurableEventStore {
  const store = openDurableEventStore(settings, options);
  onTestFinished(() => store.close());
  return store;
}

/** The partition of a thread in a durable event store. */
export function partitionOf({ agentName, threadId }: EventThread): string {
  return `events|${agentName}|${toEntityKey(threadId)}`;
}
