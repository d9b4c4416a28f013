import { createClient } from 'redis';
import { onTestFinished } from 'vitest';
import { DurableEventStore } from '../../src/audit/store/durable/durable-event-store.js';
import type { DurableStoreAdapter } from '../../src/audit/store/durable/durable-store-adapter.js';
import {
  openRedisStoreAdapter,
  type RedisStoreAdapterOptions,
} from '../../src/audit/store/redis/redis-store-adapter.js';

/** A storage that is closed when the test has ended. */
export async function openStorageForTest(options: RedisStoreAdapterOptions): Promise<DurableStoreAdapter> {
  const storage = await openRedisStoreAdapter(options);
  onTestFinished(() => storage.close());
  return storage;
}

/** A store over Redis that is closed when the test has ended. */
export function openStoreForTest(options: RedisStoreAdapterOptions): DurableEventStore {
  const store = new DurableEventStore('redis', () => openRedisStoreAdapter(options));
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
