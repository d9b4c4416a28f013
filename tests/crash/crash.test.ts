import { describe, expect, it } from 'vitest';
import { startAzuriteTableServer } from '../support/azurite-table-server.js';
import { isRedisMissing, startRedisServer } from '../support/redis-server.js';
import { runCrashRounds } from './crash-rounds.js';

const ROUNDS = 5;
const TIMEOUT_MS = 240_000;

describe('a host that is killed while it answers, and restarted', () => {
  it(
    'loses nothing and doubles nothing with the table store',
    async () => {
      const azurite = await startAzuriteTableServer();
      const storeSettings = { CALLBACK_STORE: 'table', AzureWebJobsStorage: azurite.connectionString };
      try {
        const report = await runCrashRounds({ rounds: ROUNDS, storeSettings });
        expect(report).toMatchObject({ rounds: ROUNDS, runs: 3 * ROUNDS, violations: [] });
      } finally {
        await azurite.close();
      }
    },
    TIMEOUT_MS,
  );

  it.skipIf(isRedisMissing)(
    'loses nothing and doubles nothing with the redis store (needs /usr/bin/redis-server)',
    async () => {
      const redis = await startRedisServer();
      const storeSettings = { CALLBACK_STORE: 'redis', CALLBACK_REDIS_URL: redis.url };
      try {
        const report = await runCrashRounds({ rounds: ROUNDS, storeSettings });
        expect(report).toMatchObject({ rounds: ROUNDS, runs: 3 * ROUNDS, violations: [] });
      } finally {
        await redis.close();
      }
    },
    TIMEOUT_MS,
  );
});
