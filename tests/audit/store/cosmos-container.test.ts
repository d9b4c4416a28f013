import { createHttpsServer } from '@vercel/cosmosdb-server';
import { CosmosClient, type ContainerDefinition } from '@azure/cosmos';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { openCosmosContainer } from '../../../src/audit/store/cosmos/cosmos-container.js';
import { StorageSetupError } from '../../../src/audit/store/storage-setup-error.js';
import { type CosmosServer, startCosmosServer } from '../../support/cosmos-server.js';
import { listenForTest } from '../../support/listen-for-test.js';

describe('openCosmosContainer', () => {
  let server: CosmosServer;
  let client: CosmosClient;
  beforeAll(async () => {
    server = await startCosmosServer();
    const { endpoint, key } = server;
    client = new CosmosClient({ endpoint, key, connectionPolicy: { enableEndpointDiscovery: false } });
  });
  afterAll(() => server.close());

  async function open(database: string, { hasTtl = false } = {}) {
    const { endpoint, key } = server;
    const opened = await openCosmosContainer({ endpoint, access: { key }, database, container: 'events', hasTtl });
    onTestFinished(() => opened.close());
    return opened.container;
  }

  it('makes database and container, so that each item may say when it ends, and only what is searched for is indexed', async () => {
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
    const container = await open('twice', { hasTtl: true });
    expect(container.id).toBe('events');
  });

  it('is opened by several at once', async () => {
    const containers = await Promise.all([open('at-once'), open('at-once'), open('at-once')]);
    expect(containers).toHaveLength(3);
  });

  it.each<[string, Partial<ContainerDefinition>, boolean, RegExp]>([
    ['has another partition key', { partitionKey: { paths: ['/id'] } }, false, /partition key has to be \/partition/],
    ['ends all items alike', { defaultTtl: 3600 }, false, /time to live/],
    ['has no time to live when there is to be one', {}, true, /time to live/],
    ['has no order of events', { indexingPolicy: {} }, false, /composite index on \/partition and \/sequence/],
  ])('refuses a container that %s, and says so', async (what, wrong, hasTtl, expected) => {
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
    const opening = open(name, { hasTtl });
    await expect(opening).rejects.toThrow(StorageSetupError);
    await expect(opening).rejects.toThrow(expected);
  });

  it('says what to do when the container is missing and an identity, which may not make one, opens it', async () => {
    // A certificate of the emulator's own, for an address of loopback.
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    const endpoint = (await listenForTest(createHttpsServer({}))).replace('http:', 'https:');
    const credential = { getToken: async () => ({ token: 'token', expiresOnTimestamp: Date.now() + 3_600_000 }) };
    const access = { credential };
    const opening = openCosmosContainer({ endpoint, access, database: 'agents', container: 'events', hasTtl: false });
    await expect(opening).rejects.toThrow(StorageSetupError);
    await expect(opening).rejects.toThrow(/container events in a database agents.*partition key \/partition.*role/);
  });

  it.each(['http://example.com', 'http://10.0.0.1:8081'])('refuses %s, which is not encrypted', async (endpoint) => {
    const access = { key: server.key };
    const opening = openCosmosContainer({ endpoint, access, database: 'agents', container: 'events', hasTtl: false });
    await expect(opening).rejects.toThrow(/https/);
  });
});
