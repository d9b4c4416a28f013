import { describe } from 'vitest';
import { openDurableEventStore } from '../support/durable-event-store.js';
import { isRedisMissing, startRedisServer } from '../support/redis-server.js';
import { describeStoreUnderFaults } from './describe-store-under-faults.js';

describe.skipIf(isRedisMissing)('needs /usr/bin/redis-server:', () => {
  describeStoreUnderFaults(
    'the redis store',
    async () => {
      const redis = await startRedisServer();
      return {
        port: redis.port,
        createStore: (port) => openDurableEventStore({ kind: 'redis', url: redis.urlThrough(port) }),
        close: () => redis.close(),
      };
    },
    { isHttp: false },
  );
});
