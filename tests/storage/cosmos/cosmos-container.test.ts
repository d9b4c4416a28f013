import { createHttpsServer } from '@vercel/cosmosdb-server';
import { CosmosClient, type ContainerDefinition } from '@azure/cosmos';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type CosmosContainerOptions, openCosmosContainer } from '../../../src/storage/cosmos/cosmos-container.js';
import { StoreSetupError } from '../../../src/storage/storage-error.js';
import { type CosmosServer, startCosmosServer } from '../../support/cosmos-server.js';
import { listenForTest } from '../../support/listen-for-test.js';
import { createRecordingLog } from '../../support/recording-log.js';

describe('openCosmosContainer', () => {
  let server: CosmosServer;
  let client: CosmosClient;
  beforeAll(async () => {
    server = await startCosmosServer();
    const { endpoint, key } = server;
    client = new CosmosClient({ endpoint, key, connectionPolicy: { enableEndpointDiscovery: false } });
  });
  afterAll(() => server.close());

  async function open(database: string) {
    const { endpoint, key } = server;
    const opened = await openCosmosContainer({ endpoint, access: { key }, database, container: 'events' });
    onTestFinished(() => opened.close());
    return opened.container;
  }

  it('creates database and container, and indexes only the queried properties', async () => {
    const container = await open('new');
    const { resource } = await container.read();
    expect(resource).toMatchObject({
      id: 'events',
      partitionKey: { paths: ['/partition'], version: 2 },
      indexingPolicy: { excludedPaths: [{ path: '/*' }] },
    });
    expect(container.database.id).toBe('new');
  });

  it('opens a container that exists', async () => {
    await open('twice');
    const container = await open('twice');
    expect(container.id).toBe('events');
  });

  it('lets several processes create the container at once', async () => {
    const containers = await Promise.all([open('at-once'), open('at-once'), open('at-once')]);
    expect(containers).toHaveLength(3);
  });

  it.each<[string, Partial<ContainerDefinition>, RegExp]>([
    ['has another partition key', { partitionKey: { paths: ['/id'] } }, /partition key must be \/partition/],
    ['has no order of keys', { indexingPolicy: {} }, /composite index on \/partition and \/key/],
    ['lets items expire', { defaultTtl: 604_800 }, /time to live must be off or -1/],
  ])('rejects a container that %s', async (what, wrong, expected) => {
    const name = what.replaceAll(' ', '-');
    await client.databases.create({ id: name });
    const compositeIndexes: ContainerDefinition['indexingPolicy'] = {
      compositeIndexes: [
        [
          { path: '/partition', order: 'ascending' },
          { path: '/key', order: 'ascending' },
        ],
      ],
    };
    const right = { id: 'events', partitionKey: { paths: ['/partition'] }, indexingPolicy: compositeIndexes };
    await client.database(name).containers.create({ ...right, ...wrong });
    const opening = open(name);
    await expect(opening).rejects.toThrow(StoreSetupError);
    await expect(opening).rejects.toThrow(expected);
  });

  it('uses a container with the former default name if it exists and can be used, with a warning', async () => {
    const log = createRecordingLog();
    const { endpoint, key } = server;
    const options = { endpoint, access: { key }, database: 'former', container: 'events', log };
    const openDefault = async (formerContainer: string) => {
      const opened = await openCosmosContainer({ ...options, formerContainer });
      onTestFinished(() => opened.close());
      return opened.container.id;
    };
    expect(await openDefault('former')).toBe('events');
    await client.database('former').containers.create({ id: 'unusable', partitionKey: { paths: ['/id'] } });
    expect(await openDefault('unusable')).toBe('events');
    expect(log.lines).toEqual([]);
    (await openCosmosContainer({ ...options, container: 'former' })).close();
    expect(await openDefault('former')).toBe('former');
    expect(log.lines).toEqual([expect.stringMatching(/^warn The container former exists.*CALLBACK_COSMOS_CONTAINER/)]);
  });

  describe('with an identity, which cannot create a container', () => {
    let options: Pick<CosmosContainerOptions, 'endpoint' | 'database' | 'container'>;
    const credential = { getToken: async () => ({ token: 'token', expiresOnTimestamp: Date.now() + 3_600_000 }) };

    beforeEach(async () => {
      // The emulator's own certificate, for a loopback address.
      vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
      onTestFinished(() => {
        vi.unstubAllEnvs();
      });
      const endpoint = (await listenForTest(createHttpsServer({}))).replace('http:', 'https:');
      options = { endpoint, database: 'agents', container: 'events' };
    });

    it('says what to do if the container is missing', async () => {
      const opening = openCosmosContainer({ ...options, access: { credential } });
      await expect(opening).rejects.toThrow(StoreSetupError);
      await expect(opening).rejects.toThrow(/container events in a database agents.*partition key \/partition.*role/);
    });

    it('opens a container that exists', async () => {
      (await openCosmosContainer({ ...options, access: { key: server.key } })).close();
      const opened = await openCosmosContainer({ ...options, access: { credential } });
      opened.close();
      expect(opened.container.id).toBe('events');
    });
  });

  it.each(['http://example.com', 'http://10.0.0.1:8081'])('refuses %s, which is not encrypted', async (endpoint) => {
    const access = { key: server.key };
    const opening = openCosmosContainer({ endpoint, access, database: 'agents', container: 'events' });
    await expect(opening).rejects.toThrow(/https/);
  });
});
