import { CosmosClient } from '@azure/cosmos';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { openCosmosStoreAdapter } from '../../../../src/audit/store/cosmos/cosmos-store-adapter.js';
import { DurableEventStore } from '../../../../src/audit/store/durable/durable-event-store.js';
import { RunWriter, writerFor } from '../../../support/append-events.js';
import { finalEvent, runId, runOf, streamEvent, thread } from '../../../support/callback-events.js';
import { type CosmosService, startCosmosService } from '../../../support/cosmos-service.js';
import { readSequences, readTexts } from '../contract/read-thread.js';

/*
 * What becomes of threads while days pass and the setting changes. `cosmos-server.ts` lets items end as the service's
 * documentation has it; the service itself was not asked.
 */

const DAY_MS = 86_400_000;
const START = Date.parse('2026-01-07T15:40:00.000Z');

describe('The cosmos store, while time passes', () => {
  let service: CosmosService;
  let containerCount = 0;
  let store: DurableEventStore;

  beforeAll(async () => {
    service = await startCosmosService();
  });
  afterAll(() => service.close());
  beforeEach(() => {
    containerCount += 1;
    vi.useFakeTimers({ toFake: ['Date'], now: START });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** Starts the app with a setting, in place of the one that ran before. */
  function openWith(ttlDays?: number): void {
    const { endpoint, key } = service;
    const place = { endpoint, access: { key }, database: 'agents', container: `retention-${containerCount}` };
    const opened = new DurableEventStore('cosmos', () => openCosmosStoreAdapter({ ...place, ttlDays }));
    onTestFinished(() => opened.close());
    store = opened;
  }

  /** A run of a stream event, `a1` for the first run, and a final one. */
  async function runNow(number: number): Promise<void> {
    const now = new Date().toISOString();
    await writerFor(store, thread, number).append(streamEvent(`a${number}`, now), finalEvent(`b${number}`, now));
  }

  async function listedCounts(): Promise<number[]> {
    return (await store.listThreads(thread.agentName)).map(({ eventCount }) => eventCount);
  }

  it.each([
    ['is switched on', undefined, 7],
    ['is made shorter', 30, 7],
    ['stays as it is', 7, 7],
  ])('drops the oldest events of a thread that is in use, when the setting %s', async (_what, before, after) => {
    openWith(before);
    await runNow(1);
    const { next } = await store.list(thread);
    openWith(after);
    for (const [day, expected] of [
      [5, [1, 2, 3, 4]],
      [6.9, [1, 2, 3, 4, 5, 6]],
      [7.1, [3, 4, 5, 6, 7, 8]],
      [12.1, [5, 6, 7, 8, 9, 10]],
      [14, [7, 8, 9, 10, 11, 12]],
    ] as const) {
      setDay(day);
      await runNow(Math.round(day * 10));
      expect(await readSequences(store, thread)).toEqual(expected);
      for (const limit of [1, 3]) {
        expect(await readSequences(store, thread, { limit })).toEqual(expected.slice(0, limit));
      }
      expect((await store.list(thread, { after: next })).reset).toBe(day > 12);
    }
    expect((await writerFor(store, thread, 140).read())?.requestMessage).toBe(runOf().requestMessage);
  });

  it.each([
    ['is switched on', undefined, 7, 7.1],
    ['is made shorter', 30, 7, 7.1],
    ['stays as it is', 7, 7, 7.1],
    ['is switched on a month later', undefined, 7, 31],
  ])('drops an idle thread whole, and begins it again at 1, when the setting %s', async (_what, before, after, day) => {
    openWith(before);
    await runNow(1);
    const { next } = await store.list(thread);
    setDay(day);
    openWith(after);
    expect(await store.list(thread, { after: next })).toMatchObject({ events: [], reset: true });
    expect(await writerFor(store, thread, 1).read()).toBeUndefined();
    expect(await listedCounts()).toEqual([]);
    await runNow(1);
    await runNow(2);
    expect(await readTexts(store, thread)).toEqual(['a1', 'b1', 'a2', 'b2']);
    expect(await readSequences(store, thread, { after: next })).toEqual([1, 2, 3, 4]);
    expect(await listedCounts()).toEqual([4]);
  });

  it.each([
    ['is switched off', undefined],
    ['is made longer', 100],
  ])('keeps what there is when the setting %s', async (_what, after) => {
    openWith(7);
    await runNow(1);
    setDay(6);
    openWith(after);
    await runNow(2);
    setDay(90);
    await runNow(3);
    expect(await readSequences(store, thread)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await listedCounts()).toEqual([6]);
  });

  it('keeps a thread, whose events have ended, while its runs are accepted, and goes on counting', async () => {
    openWith(7);
    await runNow(1);
    setDay(5);
    await writerFor(store, thread, 2).accept();
    setDay(8);
    expect(await readSequences(store, thread)).toEqual([]);
    expect(await listedCounts()).toEqual([]);
    expect((await writerFor(store, thread, 2).read())?.attempts).toEqual([]);
    await runNow(2);
    expect(await readSequences(store, thread)).toEqual([3, 4]);
    setDay(13);
    expect(await readSequences(store, thread)).toEqual([3, 4]);
  });

  it('lets a long message end before the last events of its run, and keeps all else of the run', async () => {
    openWith(7);
    const writer = new RunWriter(store, thread, { ...runOf(), requestMessage: 'a'.repeat(3000) });
    await writerFor(store).append(streamEvent('of an attempt that died'));
    await store.clear(thread);
    await writer.stream('one');
    setDay(0.1);
    await writer.final();
    setDay(7.05);
    const { events, runs } = await store.list(thread);
    expect(events.map(({ eventType }) => eventType)).toEqual(['final']);
    expect(runs.get(runId(1))).toMatchObject({ requestMessage: '', attempts: [{ eventCount: 2 }] });
  });

  it('ends what is cleared, and does not bring it back', async () => {
    openWith();
    await runNow(1);
    await store.clear(thread);
    setDay(3);
    openWith(7);
    await runNow(2);
    expect(await readSequences(store, thread)).toEqual([3, 4]);
    setDay(9);
    expect(await readSequences(store, thread)).toEqual([3, 4]);
    setDay(11);
    expect((await store.list(thread)).head).toBeUndefined();
  });

  it('begins a thread without a head again at 1, whatever is left of it', async () => {
    openWith();
    await runNow(1);
    await writerFor(store, thread, 2).stream('left', 'over', 'from before');
    const { emulatorEndpoint: endpoint, key } = service;
    const client = new CosmosClient({ endpoint, key, connectionPolicy: { enableEndpointDiscovery: false } });
    onTestFinished(() => client.dispose());
    const container = client.database('agents').container(`retention-${containerCount}`);
    await container.item('head', 'CallbackAgent|thread-1').delete();
    expect((await store.list(thread)).head).toBeUndefined();
    await writerFor(store, thread, 2).stream('new', 'one');
    expect(await readTexts(store, thread)).toEqual(['new', 'one']);
    expect((await writerFor(store, thread, 2).read())?.attempts).toHaveLength(1);
    expect(await writerFor(store, thread, 1).read()).toBeUndefined();
    await writerFor(store, thread, 3).stream('and', 'more');
    expect(await readSequences(store, thread)).toEqual([1, 2, 3, 4]);
  });
});

function setDay(day: number): void {
  vi.setSystemTime(START + day * DAY_MS);
}
