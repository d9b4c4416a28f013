import type { Logger } from '../../functions/logger.js';
import type { CallbackEventStore } from './callback-event-store.js';
import type { CallbackStoreSettings, MemoryStoreSettings, TableStoreSettings } from './callback-store-settings.js';
import { DurableEventStore } from './durable/durable-event-store.js';
import type { DurableStoreAdapter } from './durable/durable-store-adapter.js';
import { PURGE_TIMEOUT_MS } from './durable/store-timeouts.js';
import { MemoryEventStore } from './memory/memory-event-store.js';
import { StoreSetupError } from '../../storage/storage-error.js';
import type { TableStoreAdapter } from './table/table-store-adapter.js';

type ServiceSettings = Exclude<CallbackStoreSettings, MemoryStoreSettings>;

/**
 * Makes the store that the settings choose. A service is connected to at once, so that the first request need not wait
 * for it, by an SDK that is loaded only then; when that fails, each request tries again.
 *
 * @param log told once when the service could not be reached at first
 */
export function createCallbackEventStore(settings: CallbackStoreSettings, log: Logger): CallbackEventStore {
  if (settings.kind === 'memory') return new MemoryEventStore({ ...settings, log });
  const store = new DurableEventStore(settings.kind, () => openStorage(settings, log), {
    log,
    // Redis lets a thread go whole, when nothing is added to it any more.
    dropAfterDays: settings.kind === 'redis' ? settings.ttlDays : undefined,
  });
  store.ping().catch((error: unknown) => log.warn(describeFailure(settings.kind, error)));
  return store;
}

/**
 * Creates the function that drops expired events, to be called once a day; `undefined` if the service drops them itself
 * or if events do not expire.
 */
export function createEventPurge(settings: CallbackStoreSettings, log: Logger): (() => Promise<void>) | undefined {
  if (settings.kind !== 'table' || settings.ttlDays === undefined) return undefined;
  const { ttlDays } = settings;
  return async () => {
    const { purgeExpiredEvents } = await import('./table/purge-expired-events.js');
    const adapter = await openTable(settings);
    const store = new DurableEventStore('table', async () => adapter);
    const signal = AbortSignal.timeout(PURGE_TIMEOUT_MS);
    try {
      await purgeExpiredEvents({ store, adapter, ttlDays, now: new Date(), signal, log });
    } finally {
      await store.close();
    }
  };
}

async function openStorage(settings: ServiceSettings, log: Logger): Promise<DurableStoreAdapter> {
  switch (settings.kind) {
    case 'table':
      return openTable(settings);
    case 'redis': {
      const { openRedisStoreAdapter } = await import('./redis/redis-store-adapter.js');
      const credential = settings.usesEntra ? await createCredential() : undefined;
      return openRedisStoreAdapter({ ...settings, credential, log });
    }
    case 'cosmos': {
      const { openCosmosStoreAdapter } = await import('./cosmos/cosmos-store-adapter.js');
      const { key } = settings;
      return openCosmosStoreAdapter({
        ...settings,
        access: key === undefined ? { credential: await createCredential() } : { key },
      });
    }
  }
}

async function openTable({ account, tableName }: TableStoreSettings): Promise<TableStoreAdapter> {
  const { openTableStoreAdapter } = await import('./table/table-store-adapter.js');
  if ('connectionString' in account) return openTableStoreAdapter({ access: account, tableName });
  const { url, clientId } = account;
  return openTableStoreAdapter({ access: { url, credential: await createCredential(clientId) }, tableName });
}

/** @param managedIdentityClientId of a user-assigned identity; absent: what the environment says */
async function createCredential(managedIdentityClientId?: string) {
  const { DefaultAzureCredential } = await import('@azure/identity');
  return new DefaultAzureCredential(managedIdentityClientId === undefined ? {} : { managedIdentityClientId });
}

/** Without what SDKs say, which may hold addresses and keys. */
function describeFailure(kind: string, error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof StoreSetupError) return `The event store (${kind}) cannot be used: ${cause.message}`;
  }
  return (
    `The event store (${kind}) cannot be reached (${failureCode(error)}). Until it can, runs go on without it, and ` +
    'reading events answers 503.'
  );
}

/** Of what went wrong first: a status, or a code such as ECONNREFUSED. */
function failureCode(error: unknown): string {
  let code = 'unknown';
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { name } = cause;
    const status = 'code' in cause ? cause.code : 'statusCode' in cause ? cause.statusCode : undefined;
    code = typeof status === 'string' || typeof status === 'number' ? String(status) : name;
  }
  return code;
}
