import type { CallbackStoreSettings } from '../src/audit/store/callback-store-settings.js';
import { startAzuriteTableServer } from '../tests/support/azurite-table-server.js';
import type { LoopbackService } from '../tests/support/loopback-service.js';
import { startRedisServer } from '../tests/support/redis-server.js';

/** A service in which events are kept, for one bench. */
export interface BenchStore {
  readonly kind: 'table' | 'redis';
  /** What the service is called in a figure. */
  readonly title: string;
  readonly port: number;
  /** For a store in this process. */
  readonly settings: Exclude<CallbackStoreSettings, { kind: 'memory' }>;
  /** For an app; through another port of loopback if one is given, such as a proxy's. */
  readonly environment: (port?: number) => Readonly<Record<string, string>>;
}

export interface BenchStoreOptions {
  /** Whether Azurite is to take 100,000 rows of one partition in reasonable time. Default: it runs as published. */
  readonly isDeep?: boolean;
}

export const STORE_KINDS = ['table', 'redis'] as const;

/** Does some work with a new service, and stops the service afterwards. */
export async function withStore<Result>(
  kind: BenchStore['kind'],
  work: (store: BenchStore) => Promise<Result>,
  options: BenchStoreOptions = {},
): Promise<Result> {
  const { service, store } = await (kind === 'table' ? startTable(options) : startRedis());
  try {
    return await work(store);
  } finally {
    await service.close();
  }
}

interface StartedStore {
  readonly service: LoopbackService;
  readonly store: BenchStore;
}

async function startTable({ isDeep = false }: BenchStoreOptions): Promise<StartedStore> {
  const service = await startAzuriteTableServer({ isDeep });
  const store: BenchStore = {
    kind: 'table',
    title: isDeep ? 'table (Azurite, finding rows by key first)' : 'table (Azurite)',
    port: service.port,
    settings: {
      kind: 'table',
      account: { connectionString: service.connectionString },
      tableName: 'CallbackEvents',
    },
    environment: (port = service.port) => ({
      CALLBACK_STORE: 'table',
      AzureWebJobsStorage: service.connectionStringThrough(port),
    }),
  };
  return { service, store };
}

async function startRedis(): Promise<StartedStore> {
  const service = await startRedisServer();
  const store: BenchStore = {
    kind: 'redis',
    title: 'redis',
    port: service.port,
    settings: { kind: 'redis', url: service.url },
    environment: (port = service.port) => ({
      CALLBACK_STORE: 'redis',
      CALLBACK_REDIS_URL: service.urlThrough(port),
    }),
  };
  return { service, store };
}
