import { describe, expect, it } from 'vitest';
import { startAzuriteTableServer } from '../support/azurite-table-server.js';
import { isRedisMissing, startRedisServer } from '../support/redis-server.js';
import { runCrashRounds } from './crash-rounds.js';
import { runToolRounds } from './tool-rounds.js';

const ROUNDS = 5;
const TOOL_ROUNDS = 2;
const TIMEOUT_MS = 240_000;

/** Shows, if a round takes too long, which one. */
const onRound = (line: string): void => console.log(line);

type StoreSettings = Readonly<Record<string, string>>;

async function withTableStore<Result>(use: (settings: StoreSettings) => Promise<Result>): Promise<Result> {
  const azurite = await startAzuriteTableServer();
  try {
    return await use({ CALLBACK_STORE: 'table', AzureWebJobsStorage: azurite.connectionString });
  } finally {
    await azurite.close();
  }
}

async function withRedisStore<Result>(use: (settings: StoreSettings) => Promise<Result>): Promise<Result> {
  const redis = await startRedisServer();
  try {
    return await use({ CALLBACK_STORE: 'redis', CALLBACK_REDIS_URL: redis.url });
  } finally {
    await redis.close();
  }
}

describe.each([
  { store: 'table', isMissing: false, withStore: withTableStore },
  { store: 'redis (needs /usr/bin/redis-server)', isMissing: isRedisMissing, withStore: withRedisStore },
])('a host that is killed while it answers, and restarted, with the store $store', ({ isMissing, withStore }) => {
  it.skipIf(isMissing)(
    'loses nothing and doubles nothing',
    async () => {
      const report = await withStore((storeSettings) => runCrashRounds({ rounds: ROUNDS, storeSettings, onRound }));
      expect(report).toMatchObject({ rounds: ROUNDS, runs: 3 * ROUNDS, violations: [] });
    },
    TIMEOUT_MS,
  );

  it.skipIf(isMissing)(
    'repeats no finished tool call or model call, and no call of a tool with the effect `once`',
    async () => {
      const report = await withStore((storeSettings) => runToolRounds({ rounds: TOOL_ROUNDS, storeSettings, onRound }));
      expect(report).toMatchObject({
        rounds: TOOL_ROUNDS,
        runs: 4 * TOOL_ROUNDS,
        finishedCallsRepeated: 0,
        onceCallsRepeated: 0,
        finishedModelCallsRepeated: 0,
        violations: [],
      });
    },
    TIMEOUT_MS,
  );
});
