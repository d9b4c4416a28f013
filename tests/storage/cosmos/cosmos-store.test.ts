import { afterAll, beforeAll } from 'vitest';
import { COSMOS_LIMITS, openCosmosStore } from '../../../src/storage/cosmos/cosmos-store.js';
import type { KeyValueStore } from '../../../src/storage/key-value-store.js';
import { SplitValueStore } from '../../../src/storage/split-value-store.js';
import { type CosmosService, startCosmosService } from '../../support/cosmos-service.js';
import { describeKeyValueStore } from '../describe-key-value-store.js';

/*
 * Uses an emulator (@vercel/cosmosdb-server) behind `cosmos-batch-proxy.ts`, which adds transactional batches, limits of
 * items and batches, and 404. Not covered: throttling, request units, replicas, session tokens, several partitions and
 * regions, roles, and the 20 GB limit.
 */

let service: CosmosService;
beforeAll(async () => {
  service = await startCosmosService();
});
afterAll(() => service.close());

const open = async (): Promise<KeyValueStore> => {
  const { endpoint, key } = service;
  const options = { endpoint, access: { key }, database: 'agents', container: 'values' };
  return new SplitValueStore(await openCosmosStore(options), COSMOS_LIMITS);
};
describeKeyValueStore('cosmos', open, { openSecond: open, timeoutMs: 60_000, propertyRuns: 10 });
