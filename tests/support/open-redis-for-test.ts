import { createClient } from 'redis';
import { onTestFinished } from 'vitest';
import type { KeyValueStore } from '../../src/storage/key-value-store.js';
import { openRedisStore, type RedisStoreOptions } from '../../src/storage/redis/redis-store.js';

/** A store that is closed at the end of the test. */
export async function openRedisStoreForTest(options: RedisStoreOptions): Promise<KeyValueStore> {
  const store = await openRedisStore(options);
  onTestFinished(() => store.close());
  return store;
}

export type AdminClient = Awaited<ReturnType<typeof openClientForTest>>;

/** A client for inspecting what a store has written, closed at the end of the test. */
export async function openClientForTest(url: string) {
  const client = createClient({ url, RESP: 2 });
  // The client may outlive its server.
  client.on('error', () => {});
  await client.connect();
  onTestFinished(() => client.destroy());
  return client;
}
