import type { Logger } from '../functions/logger.js';
import type { KeyValueStore } from './key-value-store.js';
import { MemoryKeyValueStore } from './memory/memory-key-value-store.js';
import { ReconnectingStore } from './reconnecting-store.js';
import { SplitValueStore } from './split-value-store.js';
import { StoreSetupError } from './storage-error.js';
import type { ServiceSettings, StoreSettings } from './store-settings.js';

/**
 * Creates the store that the settings select. Loads only the SDK of that service, and connects at once so that the
 * first request need not wait. If that fails, each request tries again.
 *
 * @param log - receives one warning if the first connection fails
 */
export function createKeyValueStore(settings: StoreSettings, log: Logger): KeyValueStore {
  if (settings.kind === 'memory') return new MemoryKeyValueStore();
  const store = new ReconnectingStore(() => openService(settings, log));
  store.ping().catch((error: unknown) => log.warn(describeFailure(settings.kind, error)));
  return store;
}

async function openService(settings: ServiceSettings, log: Logger): Promise<KeyValueStore> {
  switch (settings.kind) {
    case 'table': {
      const { openTableStore, TABLE_LIMITS } = await import('./table/table-store.js');
      const { account } = settings;
      const access =
        'connectionString' in account
          ? account
          : { url: account.url, credential: await createCredential(account.clientId) };
      return new SplitValueStore(await openTableStore({ ...settings, access, log }), TABLE_LIMITS);
    }
    case 'redis': {
      const { openRedisStore, REDIS_LIMITS } = await import('./redis/redis-store.js');
      const credential = settings.usesEntra ? await createCredential() : undefined;
      return new SplitValueStore(await openRedisStore({ ...settings, credential, log }), REDIS_LIMITS);
    }
    case 'cosmos': {
      const { openCosmosStore, COSMOS_LIMITS } = await import('./cosmos/cosmos-store.js');
      const { key } = settings;
      const access = key === undefined ? { credential: await createCredential() } : { key };
      return new SplitValueStore(await openCosmosStore({ ...settings, access, log }), COSMOS_LIMITS);
    }
  }
}

/** @param managedIdentityClientId - client id of a user-assigned identity. Undefined: the environment decides. */
async function createCredential(managedIdentityClientId?: string) {
  const { DefaultAzureCredential } = await import('@azure/identity');
  return new DefaultAzureCredential(managedIdentityClientId === undefined ? {} : { managedIdentityClientId });
}

/** Omits messages of SDKs, which may contain addresses and keys. */
function describeFailure(kind: string, error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof StoreSetupError) return `The store (${kind}) cannot be used: ${cause.message}`;
  }
  return (
    `The store (${kind}) cannot be reached (${failureCode(error)}). Until it can, runs continue without it, and ` +
    'requests for events return 503.'
  );
}

/** Returns the status or code, such as ECONNREFUSED, of the first error in the chain of causes. */
function failureCode(error: unknown): string {
  let code = 'unknown';
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { name } = cause;
    const status = 'code' in cause ? cause.code : 'statusCode' in cause ? cause.statusCode : undefined;
    code = typeof status === 'string' || typeof status === 'number' ? String(status) : name;
  }
  return code;
}
