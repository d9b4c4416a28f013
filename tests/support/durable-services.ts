import { openTableAccount } from './azurite-table-server.js';
import { startCosmosServer } from './cosmos-server.js';
import { isRedisMissing, startRedisServer } from './redis-server.js';

/** A storage service, and the settings that select it. */
export interface DurableService {
  readonly settings: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

export interface DurableServiceKind {
  /** For test names. */
  readonly name: string;
  readonly isMissing: boolean;
  start(): Promise<DurableService>;
}

/** One per durable store. */
export const durableServices: readonly DurableServiceKind[] = [
  {
    name: 'table',
    isMissing: false,
    start: async () => {
      const { connectionString: AzureWebJobsStorage } = await openTableAccount();
      return { settings: { CALLBACK_STORE: 'table', AzureWebJobsStorage }, close: async () => {} };
    },
  },
  {
    name: 'redis (needs /usr/bin/redis-server)',
    isMissing: isRedisMissing,
    start: async () => {
      const redis = await startRedisServer();
      return { settings: { CALLBACK_STORE: 'redis', CALLBACK_REDIS_URL: redis.url }, close: () => redis.close() };
    },
  },
  {
    name: 'cosmos',
    isMissing: false,
    start: async () => {
      const cosmos = await startCosmosServer();
      const { endpoint: CALLBACK_COSMOS_ENDPOINT, key: CALLBACK_COSMOS_KEY } = cosmos;
      const settings = { CALLBACK_STORE: 'cosmos', CALLBACK_COSMOS_ENDPOINT, CALLBACK_COSMOS_KEY };
      return { settings, close: () => cosmos.close() };
    },
  },
];

const memory: DurableServiceKind = {
  name: 'memory',
  isMissing: false,
  start: async () => ({ settings: {}, close: async () => {} }),
};

/** One per store. The first one is the default store, which has no service to start. */
export const allServices = [memory, ...durableServices] as const;
