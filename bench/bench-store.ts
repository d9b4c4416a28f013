import type { CallbackStoreSettings } from '../src/audit/store/callback-store-settings.js';
import { startAzuriteTableServer } from '../tests/support/azurite-table-server.js';
import type { LoopbackService } from '../tests/support/loopback-service.js';
import { startRedisServer } from '../tests/support/redis-server.js';

/** A service that stores events, for one bench. */
export interface BenchStore {
  readonly kind: 'table' | 'redis';
  /** Name of the service in figures. */
  readonly title: string;
  readonly port: number;
  /** Settings for a store in this process. */
  readonly settings: Exclude<CallbackStoreSettings, { kind: 'memory' }>;
  /** Environment of an app. With a port, it connects to that port of loopback, for example to a proxy. */
  readonly environment: (port?: number) => Readonly<Record<string, string>>;
}

export interface BenchStoreOptions {
  /** Whether to change Azurite so that it handles 100,000 rows of one partition in reasonable time. @default false */
  readonly isDeep?: boolean;
}

export const STORE_KINDS = ['table', 'redis'] as const;

/** Runs `work` with a new service, and stops the service afterwards. */
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
  const account = service.newAccount();
  const store: BenchStore = {
    kind: 'table',
    title: isDeep ? 'table (Azurite, finding rows by key first)' : 'table (Azurite)',
    port: service.port,
    settings: {
      kind: 'table',
      account,
      tableName: 'CallbackEvents',
    },
    environment: (port = service.port) => ({
      CALLBACK_STORE: 'table',
      AzureWebJobsStorage: account.connectionStringThrough(port),
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
