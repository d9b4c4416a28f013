import { describe } from 'vitest';
import { DurableEventStore } from '../../src/audit/store/durable/durable-event-store.js';
import { openRedisStoreAdapter } from '../../src/audit/store/redis/redis-store-adapter.js';
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
          new DurableEventStore('redis', () => openRedisStoreAdapter({ url: redis.urlThrough(port) })),
        close: () => redis.close(),
      };
    },
    { isHttp: false },
  );
});
