import { CosmosClient, type Container, type OperationInput } from '@azure/cosmos';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startCosmosServer, type CosmosServer } from './cosmos-server.js';
import { startFaultProxy } from './fault-proxy.js';

interface Emulated {
  readonly server: CosmosServer;
  readonly container: Container;
}

async function startEmulator(now?: () => number): Promise<Emulated> {
  const server = await startCosmosServer(now);
  onTestFinished(() => server.close());
  return { server, container: await openContainer(server, server.endpoint) };
}

async function openContainer({ key }: CosmosServer, endpoint: string): Promise<Container> {
  const client = new CosmosClient({ endpoint, key });
  onTestFinished(() => client.dispose());
  const { database } = await client.databases.createIfNotExists({ id: 'audit' });
  const { container } = await database.containers.createIfNotExists({
    id: 'events',
    partitionKey: { paths: ['/thread'] },
    defaultTtl: -1,
  });
  return container;
}

async function runBatch(container: Container, operations: OperationInput[]): Promise<number[] | undefined> {
  const { result } = await container.items.batch(operations, 't');
  return result?.map(({ statusCode }) => statusCode);
}

const readStatus = async (container: Container, id: string): Promise<number> =>
  (await container.item(id, 't').read()).statusCode;

describe('the Cosmos DB emulator', () => {
  it('executes a batch as a whole', async () => {
    const { container } = await startEmulator();
    const { etag } = await container.items.create({ id: 'head', thread: 't', version: 1 });
    const head = { id: 'head', thread: 't', version: 2 };
    const statuses = await runBatch(container, [
      { operationType: 'Replace', id: 'head', resourceBody: head, ifMatch: etag },
      { operationType: 'Upsert', resourceBody: { id: 'run', thread: 't' } },
      { operationType: 'Create', resourceBody: { id: 'event', thread: 't' } },
    ]);
    expect(statuses).toEqual([200, 201, 201]);
    expect((await container.item('head', 't').read()).resource).toMatchObject(head);
    expect(await runBatch(container, [{ operationType: 'Delete', id: 'event' }])).toEqual([204]);
    expect(await readStatus(container, 'event')).toBe(404);
  });

  it.each<[string, OperationInput, number]>([
    ['creates an existing item', { operationType: 'Create', resourceBody: { id: 'head', thread: 't' } }, 409],
    ['has a stale etag', replaceHead('stale'), 412],
    ['deletes a missing item', { operationType: 'Delete', id: 'nothing' }, 404],
    ['has an id with a slash', { operationType: 'Create', resourceBody: { id: 'a/b', thread: 't' } }, 400],
    ['belongs to another partition', { operationType: 'Create', resourceBody: { id: 'new', thread: 'other' } }, 400],
  ])('executes nothing of a batch in which one operation %s', async (_what, operation, status) => {
    const { container } = await startEmulator();
    await container.items.create({ id: 'head', thread: 't' });
    const statuses = await runBatch(container, [
      { operationType: 'Create', resourceBody: { id: 'before', thread: 't' } },
      operation,
      { operationType: 'Create', resourceBody: { id: 'after', thread: 't' } },
    ]);
    expect(statuses).toEqual([424, status, 424]);
    expect(await readStatus(container, 'before')).toBe(404);
    expect(await readStatus(container, 'after')).toBe(404);
  });

  it('rejects requests of more than 2 MiB', async () => {
    const { container } = await startEmulator();
    const item = { id: 'large', thread: 't', text: 'x'.repeat(2 * 1024 * 1024) };
    await expect(container.items.create(item)).rejects.toMatchObject({ code: 413 });
    await expect(runBatch(container, [{ operationType: 'Create', resourceBody: item }])).rejects.toThrow('too large');
    expect(await readStatus(container, 'large')).toBe(404);
  });

  it('expires items', async () => {
    let now = Date.now();
    const { container } = await startEmulator(() => now);
    await container.items.create({ id: 'short', thread: 't', ttl: 60 });
    await container.items.create({ id: 'kept', thread: 't' });
    now += 50_000;
    expect(await readStatus(container, 'short')).toBe(200);
    now += 15_000;
    expect(await readStatus(container, 'short')).toBe(404);
    expect(await readStatus(container, 'kept')).toBe(200);
  });

  it('keeps the items of a container whose time to live changes, and applies the new one to them', async () => {
    let now = Date.now();
    const { container } = await startEmulator(() => now);
    await container.items.create({ id: 'kept', thread: 't' });
    const { resource: definition } = await container.read();
    await container.replace({ id: 'events', ...definition, defaultTtl: 60 });
    expect((await container.read()).resource?.defaultTtl).toBe(60);
    expect(await readStatus(container, 'kept')).toBe(200);
    now += 65_000;
    expect(await readStatus(container, 'kept')).toBe(404);
  });

  it('is reachable through a proxy, and keeps its data while it is stopped', async () => {
    const { server, container } = await startEmulator();
    await container.items.create({ id: 'kept', thread: 't' });
    const proxy = await startFaultProxy(server.port);
    onTestFinished(() => proxy.close());
    const through = await openContainer(server, server.endpointThrough(proxy.port));
    await server.stop();
    await expect(through.items.create({ id: 'new', thread: 't' })).rejects.toThrow(/ECONNRE(SET|FUSED)|hang up/);
    await server.start();
    expect(await readStatus(through, 'kept')).toBe(200);
  });
});

function replaceHead(ifMatch: string): OperationInput {
  return { operationType: 'Replace', id: 'head', resourceBody: { id: 'head', thread: 't' }, ifMatch };
}
