import { createHttpsServer } from '@vercel/cosmosdb-server';
import { CosmosClient, type ContainerDefinition } from '@azure/cosmos';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  type CosmosContainerOptions,
  openCosmosContainer,
} from '../../../../src/audit/store/cosmos/cosmos-container.js';
import { StoreSetupError } from '../../../../src/storage/storage-error.js';
import { type CosmosServer, startCosmosServer } from '../../../support/cosmos-server.js';
import { listenForTest } from '../../../support/listen-for-test.js';

describe('openCosmosContainer', () => {
  let server: CosmosServer;
  let client: CosmosClient;
  beforeAll(async () => {
    server = await startCosmosServer();
    const { endpoint, key } = server;
    client = new CosmosClient({ endpoint, key, connectionPolicy: { enableEndpointDiscovery: false } });
  });
  afterAll(() => server.close());

  async function open(database: string, { ttlDays }: { ttlDays?: number } = {}) {
    const { endpoint, key } = server;
    const opened = await openCosmosContainer({ endpoint, access: { key }, database, container: 'events', ttlDays });
    onTestFinished(() => opened.close());
    return opened.container;
  }

  it('makes database and container, in which only what is searched for is indexed', async () => {
    const container = await open('new');
    const { resource } = await container.read();
    expect(resource).toMatchObject({
      id: 'events',
      partitionKey: { paths: ['/partition'], version: 2 },
      defaultTtl: -1,
      indexingPolicy: { excludedPaths: [{ path: '/*' }] },
    });
    expect(container.database.id).toBe('new');
  });

  it('takes a container that is there', async () => {
    await open('twice');
    const container = await open('twice');
    expect(container.id).toBe('events');
  });

  it('lets the items of a container end as it is told last, also in one that is there', async () => {
    const ttls: (number | undefined)[] = [];
    for (const ttlDays of [7, undefined, 7, 3650, 1]) {
      const container = await open('ending', ttlDays === undefined ? {} : { ttlDays });
      ttls.push((await container.read()).resource?.defaultTtl);
    }
    expect(ttls).toEqual([604_800, -1, 604_800, 315_360_000, 86_400]);
    const { resource } = await client.database('ending').container('events').read();
    expect(resource?.indexingPolicy?.compositeIndexes).toHaveLength(1);
  });

  it('is opened by several at once', async () => {
    const containers = await Promise.all([open('at-once'), open('at-once'), open('at-once')]);
    expect(containers).toHaveLength(3);
  });

  it.each<[string, Partial<ContainerDefinition>, RegExp]>([
    ['has another partition key', { partitionKey: { paths: ['/id'] } }, /partition key has to be \/partition/],
    ['has no order of events', { indexingPolicy: {} }, /composite index on \/partition and \/sequence/],
  ])('refuses a container that %s, and says so', async (what, wrong, expected) => {
    const name = what.replaceAll(' ', '-');
    await client.databases.create({ id: name });
    const compositeIndexes: ContainerDefinition['indexingPolicy'] = {
      compositeIndexes: [
        [
          { path: '/partition', order: 'ascending' },
          { path: '/sequence', order: 'ascending' },
        ],
      ],
    };
    const right = { id: 'events', partitionKey: { paths: ['/partition'] }, indexingPolicy: compositeIndexes };
    await client.database(name).containers.create({ ...right, ...wrong });
    const opening = open(name);
    await expect(opening).rejects.toThrow(StoreSetupError);
    await expect(opening).rejects.toThrow(expected);
  });

  describe('with an identity, which may neither make nor change a container', () => {
    let options: Pick<CosmosContainerOptions, 'endpoint' | 'database' | 'container'>;
    const credential = { getToken: async () => ({ token: 'token', expiresOnTimestamp: Date.now() + 3_600_000 }) };

    beforeEach(async () => {
      // A certificate of the emulator's own, for an address of loopback.
      vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
      onTestFinished(() => {
        vi.unstubAllEnvs();
      });
      const endpoint = (await listenForTest(createHttpsServer({}))).replace('http:', 'https:');
      options = { endpoint, database: 'agents', container: 'events' };
    });

    it.each([
      [undefined, /time to live of -1 /],
      [7, /time to live of 604800 /],
    ])('says what to do when it is missing, to keep events for %s days', async (ttlDays, expected) => {
      const opening = openCosmosContainer({ ...options, access: { credential }, ttlDays });
      await expect(opening).rejects.toThrow(StoreSetupError);
      await expect(opening).rejects.toThrow(/container events in a database agents.*partition key \/partition.*role/);
      await expect(opening).rejects.toThrow(expected);
    });

    it.each([
      [undefined, undefined],
      [7, 7],
    ])('takes one for events of %s days to keep them for %s', async (made, ttlDays) => {
      (await openCosmosContainer({ ...options, access: { key: server.key }, ttlDays: made })).close();
      const opened = await openCosmosContainer({ ...options, access: { credential }, ttlDays });
      opened.close();
      expect(opened.container.id).toBe('events');
    });

    it.each([
      [7, undefined, /time to live has to be -1,/],
      [undefined, 7, /time to live has to be 604800,/],
      [7, 30, /time to live has to be 2592000,/],
    ])('refuses one for events of %s days to keep them for %s, and says so', async (made, ttlDays, expected) => {
      (await openCosmosContainer({ ...options, access: { key: server.key }, ttlDays: made })).close();
      const opening = openCosmosContainer({ ...options, access: { credential }, ttlDays });
      await expect(opening).rejects.toThrow(StoreSetupError);
      await expect(opening).rejects.toThrow(expected);
    });
  });

  it.each(['http://example.com', 'http://10.0.0.1:8081'])('refuses %s, which is not encrypted', async (endpoint) => {
    const access = { key: server.key };
    const opening = openCosmosContainer({ endpoint, access, database: 'agents', container: 'events' });
    await expect(opening).rejects.toThrow(/https/);
  });
});
