import { CosmosClient, type Container } from '@azure/cosmos';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openCosmosStoreAdapter } from '../../../../src/audit/store/cosmos/cosmos-store-adapter.js';
import { ZodError } from 'zod';
import { DurableEventStore } from '../../../../src/audit/store/durable/durable-event-store.js';
import type { DurableStoreAdapter } from '../../../../src/audit/store/durable/durable-store-adapter.js';
import type { StoredEvent } from '../../../../src/audit/domain/stored-event.js';
import type { ThreadChange } from '../../../../src/audit/domain/thread-changes.js';
import type { RunRecord } from '../../../../src/audit/domain/run-record.js';
import { writerFor } from '../../../support/append-events.js';
import { runId, runOf, streamEvent, thread } from '../../../support/callback-events.js';
import { type CosmosService, startCosmosService } from '../../../support/cosmos-service.js';
import { describeCallbackEventStore, type StorePair } from '../callback-event-store-contract.js';
import { describeStoreHistories } from '../store-histories.js';

/*
 * On an emulator (@vercel/cosmosdb-server), with `cosmos-batch-proxy.ts` in front of it for transactional batches, the
 * limits of items and batches, and 404. How items end is in `cosmos-retention.test.ts`. Not to be seen here, as it has
 * none of it: request units and 429 (but see `cosmos-answers.test.ts`), what an index costs and saves, replicas that are late and session
 * tokens, several partitions and regions, Entra ID and its roles, the limit of 20 GB.
 */

let service: CosmosService;
let containerCount = 0;

beforeAll(async () => {
  service = await startCosmosService();
});
afterAll(() => service.close());

/** The options of a container that nobody else uses: the emulator looks at every item of a container in each query. */
function newContainer() {
  containerCount += 1;
  const { endpoint, key } = service;
  return { endpoint, access: { key }, database: 'agents', container: `events-${containerCount}` };
}

function createStores(): StorePair {
  const options = newContainer();
  const create = () => new DurableEventStore('cosmos', () => openCosmosStoreAdapter(options));
  return [create(), create()];
}

describeCallbackEventStore('CosmosEventStorage', () => createStores()[0], {
  createPair: createStores,
  timeoutMs: 60_000,
});

describeStoreHistories('two cosmos stores', () => ({ stores: createStores() }), { numRuns: 5 });

describe('CosmosEventStorage', () => {
  let storage: DurableStoreAdapter;
  let container: Container;

  beforeEach(async () => {
    const place = newContainer();
    storage = await openCosmosStoreAdapter(place);
    const { emulatorEndpoint: endpoint, key } = service;
    const client = new CosmosClient({ endpoint, key, connectionPolicy: { enableEndpointDiscovery: false } });
    container = client.database(place.database).container(place.container);
  });
  afterEach(() => storage.close());

  async function readItems(): Promise<{ id: string }[]> {
    return (await container.items.query('SELECT c.id FROM c ORDER BY c.id').fetchAll()).resources;
  }

  async function kindsOfItems(): Promise<string[]> {
    return (await readItems()).map(({ id }) => id.replace(/-.*/, ''));
  }

  it('lets one of two be first with a thread, and the other know', async () => {
    const tags = await Promise.all([1, 2].map(() => storage.commit(thread, undefined, begin())));
    expect(tags.filter((tag) => tag !== undefined)).toHaveLength(1);
  });

  it('takes a change that is repeated for a conflict, and nothing of it twice', async () => {
    const tag = await storage.commit(thread, undefined, begin());
    const change = append(1, ['one', 'two']);
    const next = await storage.commit(thread, tag, change);
    expect(await storage.commit(thread, tag, change)).toBeUndefined();
    expect(await storage.readHead(thread)).toEqual({ head: change.head, tag: next });
    expect(await storage.readEvents(thread, 1, 10)).toEqual(change.events);
  });

  it('changes nothing by what was decided upon another head', async () => {
    const tag = await storage.commit(thread, undefined, begin());
    await storage.commit(thread, tag, append(1, ['one']));
    expect(await storage.commit(thread, tag, append(2, ['two'], run(2)))).toBeUndefined();
    expect(await storage.readEvents(thread, 1, 10)).toHaveLength(1);
    expect(await storage.readRuns(thread, 'e', [runId(1), runId(2)])).toEqual([run(1)]);
  });

  it('keeps what is too large for a batch beside it, whole, and the batch small', async () => {
    const texts = ['\u0001'.repeat(100_000), '🌦'.repeat(300_000), '"\\'.repeat(300_000)];
    const large = { ...run(1), requestMessage: `half a pair \uD83D ${'ä'.repeat(600_000)}` };
    const change = append(1, texts, large);
    expect(await storage.commit(thread, undefined, { ...change, isNewMessage: true })).toBeDefined();
    expect(service.proxy.latestBatchBytes).toBeLessThan(10_000);
    expect(await storage.readEvents(thread, 1, 10)).toEqual(change.events);
    expect(await storage.readRuns(thread, 'e', [runId(1)])).toEqual([large]);
  });

  it('removes what a clear has left behind, also what is beside it', async () => {
    const large = { ...run(1), requestMessage: 'a'.repeat(2000) };
    const first = append(1, ['a'.repeat(1_500_000)], large);
    await storage.commit(thread, undefined, { ...first, isNewMessage: true });
    expect(new Set(await kindsOfItems())).toEqual(new Set(['events', 'head', 'part', 'run']));
    await storage.removeUnreachable(thread, { ...first.head, epoch: 'f', oldestSequence: 2 });
    expect(await readItems()).toEqual([{ id: 'head' }]);
  });

  it('leaves a thread out of the list whose head cannot be read, and forgets all that is kept of it', async () => {
    const other = { ...thread, threadId: 'thread-other' };
    const store = new DurableEventStore('cosmos', async () => storage);
    await writerFor(store, other).stream('a');
    await writerFor(store, thread).stream('b', 'ä'.repeat(1_100_000));
    const { agentName, threadId } = thread;
    const partition = `${agentName}|${threadId}`;
    for (const head of [{ epoch: 5 }, undefined]) {
      await container.items.upsert({ id: 'head', partition, agentName, threadId, head });
      expect(await store.listThreads(agentName)).toMatchObject([other]);
      await expect(store.list(thread)).rejects.toThrow(ZodError);
    }
    await store.clear(thread);
    expect(await container.item('head', partition).read()).toMatchObject({ statusCode: 404 });
    expect(await kindsOfItems()).toEqual(['events', 'head', 'run']);
    await writerFor(store, thread, 2).stream('c');
    expect((await store.list(thread)).events).toMatchObject([{ sequence: 1 }]);
  });

  it('removes the events before the oldest one that is kept, and leaves their runs', async () => {
    const first = append(1, ['a'.repeat(1_500_000)]);
    const tag = await storage.commit(thread, undefined, { ...first, isNewMessage: true });
    const partCount = (await kindsOfItems()).filter((kind) => kind === 'part').length;
    const second = append(2, ['b'.repeat(1_500_000)]);
    await storage.commit(thread, tag, second);
    await storage.removeUnreachable(thread, { ...second.head, oldestSequence: 2 });
    expect(await storage.readEvents(thread, 1, 10)).toEqual(second.events);
    expect(await storage.readRuns(thread, 'e', [runId(1)])).toEqual([run(1)]);
    const parts = Array.from({ length: partCount }, () => 'part');
    expect(await kindsOfItems()).toEqual(['events', 'head', ...parts, 'run']);
  });

  it('gives events in the order of their sequences, whatever the order in which they are found', async () => {
    const tag = await storage.commit(thread, undefined, append(1, ['one', 'two']));
    await storage.commit(thread, tag, append(3, ['three']));
    const [oldest] = await readItems();
    const item = container.item(oldest?.id ?? '', 'CallbackAgent|thread-1');
    const { resource } = await item.read();
    await item.delete();
    await container.items.create(resource);
    expect((await storage.readEvents(thread, 1, 9)).map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  });

  it('reads from the middle of events that were appended together', async () => {
    const change = append(1, ['one', 'two', 'three', 'four']);
    const tag = await storage.commit(thread, undefined, change);
    await storage.commit(thread, tag, append(5, ['five']));
    const read = await storage.readEvents(thread, 3, 2);
    expect(read.map(({ sequence }) => sequence)).toEqual([3, 4]);
    expect((await storage.readEvents(thread, 4, 9)).map(({ sequence }) => sequence)).toEqual([4, 5]);
  });

  it('reads on behind events that have ended', async () => {
    let tag = await storage.commit(thread, undefined, append(1, ['one']));
    for (const sequence of [2, 3]) tag = await storage.commit(thread, tag, append(sequence, ['more']));
    const [oldest] = await readItems();
    await container.item(oldest?.id ?? '', 'CallbackAgent|thread-1').delete();
    expect((await storage.readEvents(thread, 1, 10)).map(({ sequence }) => sequence)).toEqual([2, 3]);
  });

  it.each([
    ['serves a run whose message has ended without it', 'e', ['']],
    ['does not know a run whose message is gone as its thread was cleared', 'f', []],
  ])('%s', async (_what, epoch, messages) => {
    const large = { ...run(1), requestMessage: 'a'.repeat(2000) };
    const first = append(1, ['one'], large);
    const tag = await storage.commit(thread, undefined, { ...first, isNewMessage: true });
    await storage.commit(thread, tag, { head: { ...first.head, epoch }, isNewMessage: false, events: [] });
    const part = (await readItems()).find(({ id }) => id.startsWith('part'));
    await container.item(part?.id ?? '', 'CallbackAgent|thread-1').delete();
    const runs = await storage.readRuns(thread, 'e', [runId(1)]);
    expect(runs).toEqual(messages.map((requestMessage) => ({ ...large, requestMessage })));
  });
});

function begin(): ThreadChange {
  return {
    head: { epoch: 'e', version: 1, oldestSequence: 1, newestSequence: 0 },
    run: run(1),
    isNewMessage: true,
    events: [],
  };
}

/** @param first the sequence of the first event */
function append(first: number, texts: readonly string[], of = run(1)): ThreadChange {
  const events = texts.map((text, index): StoredEvent => {
    const { timestamp, eventType, fields } = streamEvent(text);
    return { sequence: first + index, correlationId: of.correlationId, attempt: 1, timestamp, eventType, fields };
  });
  const newestSequence = first + events.length - 1;
  return {
    head: { epoch: 'e', version: 1 + newestSequence, oldestSequence: 1, newestSequence },
    run: of,
    isNewMessage: false,
    events,
  };
}

function run(number: number): RunRecord {
  return { ...runOf(number), attempts: [] };
}
