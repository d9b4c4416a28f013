import { describe, expect, it } from 'vitest';
import type { EventThread } from '../../../../src/audit/domain/event-thread.js';
import type { MemoryEventStore } from '../../../../src/audit/store/memory/memory-event-store.js';
import { appendEvents, appendStream, RunWriter, writerFor } from '../../../support/append-events.js';
import { failedEvent, finalEvent, runId, runOf, streamEvent, thread } from '../../../support/callback-events.js';
import { type Bounds, createMemoryStore } from '../../../support/memory-store.js';
import { createRecordingLog } from '../../../support/recording-log.js';
import { describeCallbackEventStore } from '../callback-event-store-contract.js';
import { describeStoreHistories } from '../store-histories.js';

function createStore(bounds: Bounds = {}) {
  const log = createRecordingLog();
  return { store: createMemoryStore({ ...bounds, log }), log };
}

describeCallbackEventStore('MemoryCallbackEventStore', () => createMemoryStore());

describeStoreHistories(
  'MemoryCallbackEventStore',
  () => ({ stores: [createMemoryStore({ maxThreads: 1_000_000 })], isListExact: true }),
  { numRuns: 200 },
);

const first: EventThread = { ...thread, threadId: 'first' };
const second: EventThread = { ...thread, threadId: 'second' };
const third: EventThread = { ...thread, threadId: 'third' };
const eventBytes = Buffer.byteLength(streamEvent('x').timestamp + streamEvent('x').fields);
const messageBytes = Buffer.byteLength(runOf().requestMessage);

async function appendTo(store: MemoryEventStore, threads: readonly EventThread[]): Promise<void> {
  for (const of of threads) await appendStream(store, 'x', of);
}

async function kept(store: MemoryEventStore, of = thread): Promise<number[]> {
  return (await store.list(of)).events.map(({ sequence }) => sequence);
}

describe('the limits of MemoryEventStore', () => {
  it('drop the oldest events of a thread beyond the limit per thread', async () => {
    const { store } = createStore({ maxEventsPerThread: 3 });
    await appendTo(store, [thread, thread, thread, thread, thread]);
    expect(await kept(store)).toEqual([3, 4, 5]);
  });

  it('drop the oldest events of one append', async () => {
    const { store } = createStore({ maxEventsPerThread: 3 });
    await writerFor(store).stream('a', 'b', 'c', 'd', 'e');
    expect(await kept(store)).toEqual([3, 4, 5]);
  });

  it('drop the least recently active thread beyond the thread limit', async () => {
    const { store } = createStore({ maxThreads: 2 });
    await appendTo(store, [first, second, first]);
    await writerFor(store, second, 2).begin();
    await appendTo(store, [third]);
    expect(await kept(store, first)).toEqual([1, 2]);
    expect(await kept(store, second)).toEqual([]);
    expect(await kept(store, third)).toEqual([1]);
    expect(await store.readRun(second, runId(1))).toBeUndefined();
    expect(store.byteLength).toBe(3 * eventBytes + 2 * messageBytes);
  });

  it('count threads that have runs but no events', async () => {
    const { store } = createStore({ maxThreads: 2 });
    for (const of of [first, second, third]) await writerFor(store, of).begin();
    const known = [first, second, third].map((of) => store.readRun(of, runId(1)));
    expect(await Promise.all(known)).toEqual([undefined, expect.anything(), expect.anything()]);
    expect(store.byteLength).toBe(2 * messageBytes);
  });

  it('let a thread that was dropped entirely restart at 1, in a new epoch', async () => {
    const { store } = createStore({ maxThreads: 1 });
    await appendTo(store, [first, first]);
    const { next } = await store.list(first);
    await appendTo(store, [second]);
    expect(await store.list(first, { after: next })).toMatchObject({ events: [], reset: true });
    await appendTo(store, [first, first, first]);
    expect(await kept(store, first)).toEqual([1, 2, 3]);
    expect((await store.list(first)).next.epoch).not.toBe(next.epoch);
    expect(await store.list(first, { after: next })).toMatchObject({ events: { length: 3 }, reset: true });
  });

  it('let an attempt continue after its thread was dropped entirely', async () => {
    const { store } = createStore({ maxThreads: 1 });
    const writer = writerFor(store, first);
    await writer.stream('a', 'b');
    await appendTo(store, [second]);
    expect(await writer.stream('c')).toEqual({ status: 'kept', lostEvents: 2 });
    expect(await store.list(first)).toMatchObject({ events: [{ sequence: 1, fields: streamEvent('c').fields }] });
    expect(await writer.read()).toMatchObject({ ...writer.run, attempts: [{ attempt: 1, eventCount: 3 }] });
  });

  it('reset a reader whose next events were dropped, but not one that is further ahead', async () => {
    const { store } = createStore({ maxEventsPerThread: 3 });
    await appendTo(store, [thread, thread, thread, thread, thread, thread]);
    const page = (sequence: number) => store.list(thread, { after: { sequence } });
    expect(await page(2)).toMatchObject({ events: { length: 3 }, reset: true });
    expect(await page(4)).toMatchObject({ events: { length: 2 }, reset: false });
    expect(await page(0)).toMatchObject({ events: { length: 3 }, reset: false });
  });

  it.each([
    ['whose thread is dropped entirely', { maxThreads: 1 }],
    ['whose thread loses all its events', { maxBytes: 10 }],
  ])('wake a reader %s', async (_what, bounds) => {
    const { store } = createStore(bounds);
    await appendTo(store, [first]);
    const { next, head } = await store.list(first);
    const change = store.waitForChange(first, head, new AbortController().signal);
    await appendTo(store, [second]);
    expect(await change).toBe(true);
    expect(await store.list(first, { after: next })).toMatchObject({ events: [], reset: true });
  });

  it('keep the totals of a thread that loses events', async () => {
    const { store } = createStore({ maxEventsPerThread: 1 });
    for (const [index, event] of [finalEvent(), failedEvent(), finalEvent()].entries()) {
      await appendEvents(store, [event], { run: index });
    }
    expect((await store.readHead(thread))?.totals).toMatchObject({
      runCount: 3,
      failedRunCount: 1,
      totalTokenCount: 146,
    });
  });

  it('drop the oldest events of the least recently active thread beyond the byte limit', async () => {
    const { store } = createStore({ maxBytes: 4 * eventBytes + 3 * messageBytes + 10 });
    await appendTo(store, [first, second, second, first, third, third]);
    expect(await kept(store, second)).toEqual([]);
    expect(await kept(store, first)).toEqual([1, 2]);
    expect(await kept(store, third)).toEqual([1, 2]);
    await appendTo(store, [second]);
    expect(await kept(store, second)).toEqual([3]);
    expect(await kept(store, first)).toEqual([2]);
  });

  it('keep the newest event even if it alone exceeds the byte limit', async () => {
    const { store } = createStore({ maxBytes: 10 });
    await appendTo(store, [first, second, second]);
    await writerFor(store, third).begin();
    expect([await kept(store, first), await kept(store, second)]).toEqual([[], [2]]);
  });

  it('drop a run with its last event, even if it was interrupted', async () => {
    const { store } = createStore({ maxEventsPerThread: 2 });
    await appendEvents(store, [streamEvent(), finalEvent()], { run: 1 });
    await appendEvents(store, [streamEvent()], { run: 2 });
    expect(await store.readRun(thread, runId(1))).toMatchObject({ attempts: [{ outcome: 'final' }] });
    await appendEvents(store, [streamEvent()], { run: 3 });
    expect(await store.readRun(thread, runId(1))).toBeUndefined();
    await appendEvents(store, [streamEvent(), streamEvent()], { run: 3 });
    expect(await store.readRun(thread, runId(2))).toBeUndefined();
    expect((await store.list(thread)).runs.size).toBe(1);
  });

  it('keep a running run, even if another thread has displaced its events', async () => {
    const { store } = createStore({ maxBytes: eventBytes + 2 * messageBytes });
    const writer = writerFor(store, first);
    await writer.stream('a', 'b');
    await appendTo(store, [second]);
    expect((await store.list(first)).events).toEqual([]);
    expect(await writer.read()).toMatchObject({ attempts: [{ eventCount: 2 }] });
  });

  it('measure the UTF-8 bytes of stored events and request messages', async () => {
    const { store } = createStore();
    const events = [streamEvent('😀 ä'), streamEvent('plain')];
    await appendEvents(store, events);
    const bytes = events.map(({ timestamp, fields }) => Buffer.byteLength(timestamp + fields));
    expect(store.byteLength).toBe(bytes.reduce((sum, length) => sum + length) + messageBytes);
    await new RunWriter(store, thread, { ...runOf(2), requestMessage: 'ää' }).begin();
    await store.clear(thread);
    expect(store.byteLength).toBe(0);
  });

  it.each([
    ['events per thread', { maxEventsPerThread: 1 }],
    ['threads', { maxThreads: 1 }],
    ['bytes', { maxBytes: eventBytes + messageBytes + 10 }],
  ])('log one warning per thread that loses events, naming the limit of %s', async (limit, bounds) => {
    const { store, log } = createStore(bounds);
    await appendTo(store, [first, first, first, second, second, second]);
    const lines = log.lines.filter((line) => line.includes('first'));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^warn \[CallbackAgent\] /);
    expect(lines[0]).toContain(`(${limit})`);
    expect(log.lines.length).toBeLessThanOrEqual(2);
  });

  it('log nothing while nothing is dropped, and do not count cleared events', async () => {
    const { store, log } = createStore();
    await appendStream(store, 'x');
    await store.clear(thread);
    expect(log.lines).toEqual([]);
  });
});
