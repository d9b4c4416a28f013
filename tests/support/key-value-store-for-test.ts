import { onTestFinished } from 'vitest';
import { createKeyValueStore } from '../../src/storage/create-key-value-store.js';
import type { KeyValueStore } from '../../src/storage/key-value-store.js';
import type { StoreSettings } from '../../src/storage/store-settings.js';
import { createRecordingLog } from './recording-log.js';

/** A store that is closed at the end of the test. */
export function openKeyValueStoreForTest(settings: StoreSettings): KeyValueStore {
  const store = createKeyValueStore(settings, createRecordingLog());
  onTestFinished(() => store.close());
  return store;
}
