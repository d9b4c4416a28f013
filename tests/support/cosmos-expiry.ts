import type Account from '@vercel/cosmosdb-server/lib/account/index.js';

/**
 * Removes expired items, which the emulator itself never does. Applies to containers with a `defaultTtl` (seconds, -1
 * for none). An item's own `ttl` takes precedence.
 * See https://learn.microsoft.com/azure/cosmos-db/nosql/time-to-live.
 */
export function removeExpiredItems(account: Account, nowMs: number): void {
  const { _data: databases } = account.databases;
  for (const { collections } of databases.values()) {
    const { _data: containers } = collections;
    for (const container of containers.values()) {
      const { defaultTtl, partitionKey } = container.read();
      if (typeof defaultTtl !== 'number') continue;
      const [keyPath = ''] = partitionKey?.paths ?? [];
      const { _data: items } = container.documents;
      for (const entry of items.values()) {
        const item = entry.read();
        const { id, ttl = defaultTtl, _ts: changedAt = 0 } = item;
        if (ttl < 0 || nowMs < (changedAt + ttl) * 1000) continue;
        container.documents.delete(id, item[keyPath.slice(1)]);
      }
    }
  }
}
