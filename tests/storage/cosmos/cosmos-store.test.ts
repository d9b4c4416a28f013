import { afterAll, beforeAll } from 'vitest';
import { COSMOS_LIMITS, openCosmosStore } from '../../../src/storage/cosmos/cosmos-store.js';
import type { KeyValueStore } from '../../../src/storage/key-value-store.js';
import { SplitValueStore } from '../../../src/storage/split-value-store.js';
import { type CosmosServer, startCosmosServer } from '../../support/cosmos-server.js';
import { describeKeyValueStore } from '../describe-key-value-store.js';

/*
 * Uses an emulator, `cosmos-server.ts`, with transactional batches and the limits of items and batches. Not covered: throttling, request units, replicas, session tokens, several partitions and
 * regions, roles, and the 20 GB limit.
 */

let service: CosmosServer;
beforeAll(async () => {
  service = await startCosmosServer();
});
afterAll(() => service.close());

const open = async (): Promise<KeyValueStore> => {
  const { endpoint, key } = service;
  const options = { endpoint, access: { key }, database: 'agents', container: 'values' };
  return new SplitValueStore(await openCosmosStore(options), COSMOS_LIMITS);
};
describeKeyValueStore('cosmos', open, { openSecond: open, timeoutMs: 60_000, propertyRuns: 10 });
