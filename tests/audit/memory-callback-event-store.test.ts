import { describe, expect, it } from 'vitest';
import type { CallbackEvent } from '../../src/audit/callback-event.js';
import {
  MemoryCallbackEventStore,
  type MemoryCallbackEventStoreOptions,
} from '../../src/audit/memory-callback-event-store.js';
import { failedEvent, finalEvent, streamEvent, thread } from '../support/callback-events.js';
import { createRecordingLog } from '../support/recording-log.js';
import { describeCallbackEventStore } from './callback-event-store-contract.js';

type Bounds = Partial<Omit<MemoryCallbackEventStoreOptions, 'log'>>;

function createStore(bounds: Bounds = {}) {
  const log = createRecordingLog();
  const roomy = { maxThreads: 1000, maxEventsPerThread: 10_000, maxBytes: 64 * 1024 * 1024 };
  return { store: new MemoryCallbackEventStore({ ...roomy, ...bounds, log }), log };
}

describeCallbackEventStore('MemoryCallbackEventStore', () => createStore().store);

const threads = ['first', 'second', 'third'].map((threadId) => ({ ...thread, threadId }));
const [first = thread, second = thread, third = thread] = threads;
const eventBytes = Buffer.byteLength(JSON.stringify({ ...streamEvent('x', first), sequence: 1 }));

async function kept(store: MemoryCallbackEventStore, of = thread): Promise<number[]> {
  const { json } = await store.list(of);
  const events: CallbackEvent[] = JSON.parse(Buffer.from(json).toString());
  return events.map(({ sequence }) => sequence);
}

describe('the bounds of MemoryCallbackEventStore', () => {
  it('drop the oldest events of a thread beyond the limit per thread', async () => {
    const { store } = createStore({ maxEventsPerThread: 3 });
    for (let count = 0; count < 5; count += 1) await store.append(streamEvent());
    expect(await kept(store)).toEqual([3, 4, 5]);
    expect(store.droppedEventCount).toBe(2);
    expect(await store.listThreads()).toEqual([expect.objectContaining({ ...thread, eventCount: 3 })]);
  });

  it('drop the thread that was longest without a new event beyond the limit of threads', async () => {
    const { store } = createStore({ maxThreads: 2 });
    for (const to of [first, second, first, third]) await store.append(streamEvent('x', to));
    expect(await kept(store, first)).toEqual([1, 2]);
    expect(await kept(store, second)).toEqual([]);
    expect(await kept(store, third)).toEqual([1]);
    expect(store.droppedEventCount).toBe(1);
  });

  it('let a thread that was dropped whole begin again at 1, in another epoch', async () => {
    const { store } = createStore({ maxThreads: 1 });
    for (const to of [first, first]) await store.append(streamEvent('x', to));
    const { next } = await store.list(first);
    await store.append(streamEvent('x', second));
    expect(await store.list(first, { after: next })).toMatchObject({ count: 0, reset: true });
    for (const sequence of [1, 2, 3]) expect(await store.append(streamEvent('x', first))).toBe(sequence);
    expect((await store.list(first)).next.epoch).not.toBe(next.epoch);
    expect(await store.list(first, { after: next })).toMatchObject({ count: 3, reset: true });
  });

  it('reset a reader whose next events were dropped, and leave one alone who still has them before him', async () => {
    const { store } = createStore({ maxEventsPerThread: 3 });
    for (let count = 0; count < 6; count += 1) await store.append(streamEvent());
    expect(await store.list(thread, { after: { sequence: 2 } })).toMatchObject({ count: 3, reset: true });
    expect(await store.list(thread, { after: { sequence: 4 } })).toMatchObject({ count: 2, reset: false });
    expect(await store.list(thread)).toMatchObject({ count: 3, reset: false });
  });

  it.each([
    ['whose thread is dropped whole', { maxThreads: 1 }],
    ['whose thread loses all its events', { maxBytes: 10 }],
  ])('wake a reader %s', async (_what, bounds) => {
    const { store } = createStore(bounds);
    await store.append(streamEvent('x', first));
    const { next } = await store.list(first);
    const change = store.waitForChange(first, next, new AbortController().signal);
    await store.append(streamEvent('x', second));
    expect(await change).toBe(true);
    expect(await store.list(first, { after: next })).toMatchObject({ count: 0, reset: true });
  });

  it('go on adding up what a thread has lost', async () => {
    const { store } = createStore({ maxEventsPerThread: 1 });
    for (const event of [finalEvent(), failedEvent(), finalEvent()]) await store.append(event);
    expect(await store.listThreads()).toMatchObject([{ eventCount: 1, failedRunCount: 1, totalTokenCount: 146 }]);
  });

  it('drop the oldest events of the thread that was longest without a new one beyond the limit of bytes', async () => {
    const { store } = createStore({ maxBytes: 4 * eventBytes + 10 });
    for (const to of [first, second, second, first, third, third]) await store.append(streamEvent('x', to));
    expect(await kept(store, second)).toEqual([]);
    expect(await kept(store, first)).toEqual([1, 2]);
    expect(await kept(store, third)).toEqual([1, 2]);
    expect(await store.append(streamEvent('x', second))).toBe(3);
  });

  it('keep the newest event even when it alone is larger than the limit of bytes', async () => {
    const { store } = createStore({ maxBytes: 10 });
    for (const to of [first, second, second]) await store.append(streamEvent('x', to));
    expect(await store.listThreads()).toEqual([expect.objectContaining({ ...second, eventCount: 1 })]);
  });

  it('measure the UTF-8 bytes of the JSON of what is kept', async () => {
    const { store } = createStore();
    await store.append(streamEvent('😀 ä'));
    await store.append(streamEvent('plain'));
    const { json } = await store.list(thread);
    expect(store.byteLength).toBe(json.byteLength - '[,]'.length);
    await store.clear(thread);
    expect(store.byteLength).toBe(0);
  });

  it.each([
    ['events per thread', { maxEventsPerThread: 1 }],
    ['threads', { maxThreads: 1 }],
    ['bytes', { maxBytes: eventBytes + 10 }],
  ])('name the limit of %s in one warning for each thread that loses events', async (limit, bounds) => {
    const { store, log } = createStore(bounds);
    for (const to of [first, first, first, second, second, second]) await store.append(streamEvent('x', to));
    const lines = log.lines.filter((line) => line.includes('first'));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^warn \[CallbackAgent\] /);
    expect(lines[0]).toContain(`(${limit})`);
    expect(log.lines.length).toBeLessThanOrEqual(2);
  });

  it('log nothing while nothing is dropped, and do not count what is cleared', async () => {
    const { store, log } = createStore();
    await store.append(streamEvent());
    await store.clear(thread);
    expect(log.lines).toEqual([]);
    expect(store.droppedEventCount).toBe(0);
  });
});
