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

describe('the bounds of MemoryEventStore', () => {
  it('drop the oldest events of a thread beyond the limit per thread', async () => {
    const { store } = createStore({ maxEventsPerThread: 3 });
    await appendTo(store, [thread, thread, thread, thread, thread]);
    expect(await kept(store)).toEqual([3, 4, 5]);
  });

  it('drop the oldest of events that are appended at once', async () => {
    const { store } = createStore({ maxEventsPerThread: 3 });
    await writerFor(store).stream('a', 'b', 'c', 'd', 'e');
    expect(await kept(store)).toEqual([3, 4, 5]);
  });

  it('drop the thread that was longest without a new event beyond the limit of threads', async () => {
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

  it('count threads of which only runs are known', async () => {
    const { store } = createStore({ maxThreads: 2 });
    for (const of of [first, second, third]) await writerFor(store, of).begin();
    const known = [first, second, third].map((of) => store.readRun(of, runId(1)));
    expect(await Promise.all(known)).toEqual([undefined, expect.anything(), expect.anything()]);
    expect(store.byteLength).toBe(2 * messageBytes);
  });

  it('let a thread that was dropped whole begin again at 1, in another epoch', async () => {
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

  it('let an attempt go on whose thread was dropped whole', async () => {
    const { store } = createStore({ maxThreads: 1 });
    const writer = writerFor(store, first);
    await writer.stream('a', 'b');
    await appendTo(store, [second]);
    expect(await writer.stream('c')).toEqual({ status: 'kept', lostEvents: 2 });
    expect(await store.list(first)).toMatchObject({ events: [{ sequence: 1, fields: streamEvent('c').fields }] });
    expect(await writer.read()).toMatchObject({ ...writer.run, attempts: [{ attempt: 1, eventCount: 3 }] });
  });

  it('reset a reader whose next events were dropped, and leave one alone who still has them before him', async () => {
    const { store } = createStore({ maxEventsPerThread: 3 });
    await appendTo(store, [thread, thread, thread, thread, thread, thread]);
    const page = (sequence: number) => store.list(thread, { after: { sequence } });
    expect(await page(2)).toMatchObject({ events: { length: 3 }, reset: true });
    expect(await page(4)).toMatchObject({ events: { length: 2 }, reset: false });
    expect(await page(0)).toMatchObject({ events: { length: 3 }, reset: false });
  });

  it.each([
    ['whose thread is dropped whole', { maxThreads: 1 }],
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

  it('go on adding up what a thread has lost', async () => {
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

  it('drop the oldest events of the thread that was longest without a new one beyond the limit of bytes', async () => {
    const { store } = createStore({ maxBytes: 4 * eventBytes + 3 * messageBytes + 10 });
    await appendTo(store, [first, second, second, first, third, third]);
    expect(await kept(store, second)).toEqual([]);
    expect(await kept(store, first)).toEqual([1, 2]);
    expect(await kept(store, third)).toEqual([1, 2]);
    await appendTo(store, [second]);
    expect(await kept(store, second)).toEqual([3]);
    expect(await kept(store, first)).toEqual([2]);
  });

  it('keep the newest event even when it alone is larger than the limit of bytes', async () => {
    const { store } = createStore({ maxBytes: 10 });
    await appendTo(store, [first, second, second]);
    await writerFor(store, third).begin();
    expect([await kept(store, first), await kept(store, second)]).toEqual([[], [2]]);
  });

  it('forget a run with its last event, also one that was cut off', async () => {
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

  it('keep a run that goes on, though another thread has taken the room of its events', async () => {
    const { store } = createStore({ maxBytes: eventBytes + 2 * messageBytes });
    const writer = writerFor(store, first);
    await writer.stream('a', 'b');
    await appendTo(store, [second]);
    expect((await store.list(first)).events).toEqual([]);
    expect(await writer.read()).toMatchObject({ attempts: [{ eventCount: 2 }] });
  });

  it('measure the UTF-8 bytes of what is kept of events, and of request messages', async () => {
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
  ])('name the limit of %s in one warning for each thread that loses events', async (limit, bounds) => {
    const { store, log } = createStore(bounds);
    await appendTo(store, [first, first, first, second, second, second]);
    const lines = log.lines.filter((line) => line.includes('first'));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^warn \[CallbackAgent\] /);
    expect(lines[0]).toContain(`(${limit})`);
    expect(log.lines.length).toBeLessThanOrEqual(2);
  });

  it('log nothing while nothing is dropped, and do not count what is cleared', async () => {
    const { store, log } = createStore();
    await appendStream(store, 'x');
    await store.clear(thread);
    expect(log.lines).toEqual([]);
  });
});
