import { describe } from 'vitest';
import { DurableCallbackEventStore } from '../../src/audit/store/durable-callback-event-store.js';
import { openRedisEventStorage } from '../../src/audit/store/redis/redis-event-storage.js';
import { isRedisMissing, startRedisServer } from '../support/redis-server.js';
import { describeStoreUnderFaults } from './describe-store-under-faults.js';

describe.skipIf(isRedisMissing)('needs /usr/bin/redis-server:', () => {
  describeStoreUnderFaults(
    'the redis store',
    async () => {
      const redis = await startRedisServer();
      return {
        port: redis.port,
        createStore: (port) =>
          new DurableCallbackEventStore('redis', () => openRedisEventStorage({ url: redis.urlThrough(port) })),
        close: () => redis.close(),
      };
    },
    { isHttp: false },
  );
});
