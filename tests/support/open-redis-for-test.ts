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

/** Never connected. The SDK builds a class of all commands for each new URL, but not for a duplicate. */
const prototypeClient = createClient({ RESP: 2 });

/** A client for inspecting what a store has written, closed at the end of the test. */
export async function openClientForTest(url: string) {
  const client = prototypeClient.duplicate({ url });
  // The client may outlive its server.
  client.on('error', () => {});
  await client.connect();
  onTestFinished(() => client.destroy());
  return client;
}
