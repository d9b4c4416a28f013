import { afterAll, beforeAll, describe } from 'vitest';
import type { KeyValueStore } from '../../../src/storage/key-value-store.js';
import { openRedisStore, REDIS_LIMITS } from '../../../src/storage/redis/redis-store.js';
import { SplitValueStore } from '../../../src/storage/split-value-store.js';
import { isRedisMissing, type RedisServer, startRedisServer } from '../../support/redis-server.js';
import { describeKeyValueStore } from '../describe-key-value-store.js';

describe.skipIf(isRedisMissing)('redis (needs /usr/bin/redis-server)', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedisServer();
  });
  afterAll(() => redis.close());

  const open = async (): Promise<KeyValueStore> =>
    new SplitValueStore(await openRedisStore({ url: redis.url }), REDIS_LIMITS);
  describeKeyValueStore('redis', open, { openSecond: open });
});
