import { onTestFinished } from 'vitest';
import { DurableEventStore } from '../../src/audit/store/durable/durable-event-store.js';
import { openTableClient } from '../../src/storage/table/open-table-client.js';
import { openTableStoreAdapter, type TableStoreAdapter } from '../../src/audit/store/table/table-store-adapter.js';
import { TableRows } from '../../src/audit/store/table/table-rows.js';

/** A storage over a table that is closed when the test has ended. */
export async function openTableStorageForTest(connectionString: string, tableName: string): Promise<TableStoreAdapter> {
  const storage = await openTableStoreAdapter({ access: { connectionString }, tableName });
  onTestFinished(() => storage.close());
  return storage;
}

/** A store over a table that is closed when the test has ended. */
export function openTableStoreForTest(connectionString: string, tableName: string): DurableEventStore {
  const store = new DurableEventStore('table', () =>
    openTableStoreAdapter({ access: { connectionString }, tableName }),
  );
  onTestFinished(() => store.close());
  return store;
}

/** The rows of a table, for looking behind a storage. */
export async function openTableRows(connectionString: string, tableName: string): Promise<TableRows> {
  const rows = new TableRows(openTableClient({ connectionString }, tableName));
  await rows.createTable();
  return rows;
}

/** The keys of all rows of a table, `{partition key} {row key}`, in their order. */
export async function allKeys(rows: TableRows): Promise<string[]> {
  const keys: string[] = [];
  for await (const page of rows.pages(`PartitionKey ge ''`, { columns: [] })) {
    keys.push(...page.map(({ partitionKey, rowKey }) => `${partitionKey} ${rowKey}`));
  }
  return keys;
}
