import { afterAll, beforeAll, describe } from 'vitest';
import type { KeyValueStore } from '../../../src/storage/key-value-store.js';
import { SplitValueStore } from '../../../src/storage/split-value-store.js';
import { openTableStore, TABLE_LIMITS } from '../../../src/storage/table/table-store.js';
import { type AzuriteTableServer, startAzuriteTableServer } from '../../support/azurite-table-server.js';
import { describeKeyValueStore } from '../describe-key-value-store.js';

describe('table', () => {
  let azurite: AzuriteTableServer;
  beforeAll(async () => {
    azurite = await startAzuriteTableServer({ isDeep: true });
  });
  afterAll(() => azurite.close());

  const open = async (): Promise<KeyValueStore> =>
    new SplitValueStore(await openTableStore({ connectionString: azurite.connectionString }, 'Values'), TABLE_LIMITS);
  describeKeyValueStore('table', open, { openSecond: open, timeoutMs: 60_000, propertyRuns: 10 });
});
