import { createClient } from 'redis';
import { onTestFinished } from 'vitest';
import { DurableCallbackEventStore } from '../../src/audit/store/durable-callback-event-store.js';
import type { EventStorage } from '../../src/audit/store/event-storage.js';
import {
  openRedisEventStorage,
  type RedisEventStorageOptions,
} from '../../src/audit/store/redis/redis-event-storage.js';

/** A storage that is closed when the test has ended. */
export async function openStorageForTest(options: RedisEventStorageOptions): Promise<EventStorage> {
  const storage = await openRedisEventStorage(options);
  onTestFinished(() => storage.close());
  return storage;
}

/** A store over Redis that is closed when the test has ended. */
export function openStoreForTest(options: RedisEventStorageOptions): DurableCallbackEventStore {
  const store = new DurableCallbackEventStore('redis', () => openRedisEventStorage(options));
  onTestFinished(() => store.close());
  return store;
}

export type AdminClient = Awaited<ReturnType<typeof openClientForTest>>;

/** A client for looking behind a store, closed when the test has ended. */
export async function openClientForTest(url: string) {
  const client = createClient({ url, RESP: 2 });
  // It may outlive its server.
  client.on('error', () => {});
  await client.connect();
  onTestFinished(() => client.destroy());
  return client;
}
