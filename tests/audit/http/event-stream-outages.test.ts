import { describe, expect, it, vi } from 'vitest';
import { appendEvents, writerFor } from '../../support/append-events.js';
import { streamEvent, thread } from '../../support/callback-events.js';
import { HookedEventStore, unreachable } from '../../support/hooked-event-store.js';
import { createRecordingLog } from '../../support/recording-log.js';
import { roomy, framesOf, readAll, fakeTime, follow } from './read-event-stream.js';

describe('a stream of events whose store is unreachable', () => {
  fakeTime();

  it('sends heartbeats, and resumes when the store is back', async () => {
    const store = new HookedEventStore();
    const log = createRecordingLog();
    const reader = follow(framesOf(store, { log }));
    await appendEvents(store, [streamEvent()]);
    await vi.advanceTimersByTimeAsync(0);
    store.hooks.before = (method) => method === 'list' && unreachable();
    const writer = writerFor(store, thread, 2);
    await writer.stream('one', 'two');
    await vi.advanceTimersByTimeAsync(30_000);
    await writer.final();
    expect(reader.sequences()).toEqual([1]);
    expect(reader.read.comments.length).toBeGreaterThan(10);
    store.hooks.before = undefined;
    await vi.advanceTimersByTimeAsync(2000);
    expect(reader.sequences()).toEqual([1, 2, 3, 4]);
    expect(reader.end).toBeUndefined();
    expect(log.lines).toEqual([
      expect.stringMatching(
        /^warn \[CallbackAgent\] a stream waits for the store to recover: .*ECONNREFUSED.*thread-1/,
      ),
    ]);
  });

  it('retries soon, then less and less often, and soon again in the next outage', async () => {
    const store = new HookedEventStore();
    follow(framesOf(store));
    const readsIn = async (ms: number): Promise<number> => {
      await vi.advanceTimersByTimeAsync(ms);
      return store.calls.splice(0).filter((method) => method === 'list').length;
    };
    for (let outage = 1; outage <= 2; outage += 1) {
      await readsIn(2000);
      store.hooks.before = (method) => method === 'list' && unreachable();
      await writerFor(store).begin();
      // One of these reads is shared by all streams of the thread.
      expect(await readsIn(1000)).toBe(5);
      expect(await readsIn(20_000)).toBe(10);
      store.hooks.before = undefined;
    }
  });

  it('logs each outage', async () => {
    const store = new HookedEventStore();
    const log = createRecordingLog();
    follow(framesOf(store, { log }));
    for (let outage = 1; outage <= 2; outage += 1) {
      store.hooks.before = (method) => method === 'list' && unreachable();
      await writerFor(store).begin();
      await vi.advanceTimersByTimeAsync(5000);
      expect(log.lines).toHaveLength(outage);
      store.hooks.before = undefined;
      await vi.advanceTimersByTimeAsync(2000);
    }
  });

  it('reports a superseded attempt of a returning reader as soon as the store is back', async () => {
    const store = new HookedEventStore();
    await writerFor(store).stream('half an', ' answer');
    await writerFor(store).final('a whole answer');
    store.hooks.before = unreachable;
    const reader = follow(framesOf(store, { after: { sequence: 2 } }));
    await vi.advanceTimersByTimeAsync(5000);
    store.hooks.before = undefined;
    await vi.advanceTimersByTimeAsync(2000);
    expect(reader.read.events.map(({ event }) => event)).toEqual(['superseded', 'final']);
    store.calls.length = 0;
    await writerFor(store).begin();
    await vi.advanceTimersByTimeAsync(0);
    expect(store.calls).toEqual(['beginAttempt', 'list']);
  });

  it('ends at its time limit', async () => {
    const store = new HookedEventStore();
    store.hooks.before = unreachable;
    const reader = follow(framesOf(store, { limits: { ...roomy, maxDurationMs: 40_000 } }));
    await vi.advanceTimersByTimeAsync(39_999);
    expect(reader.end).toBeUndefined();
    await vi.advanceTimersByTimeAsync(2);
    expect(reader.end).toBe('limit');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('ends when its reader disconnects', async () => {
    const store = new HookedEventStore();
    store.hooks.before = unreachable;
    const frames = framesOf(store);
    await frames.next();
    expect((await frames.next()).value).toBe(': still here\n\n');
    await frames.return('ended');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('fails on any other error', async () => {
    const store = new HookedEventStore();
    store.hooks.before = () => {
      throw new TypeError('a mistake');
    };
    await expect(readAll(framesOf(store))).rejects.toThrow('a mistake');
  });
});
