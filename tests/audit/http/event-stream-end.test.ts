import { describe, expect, it, vi } from 'vitest';
import { appendEvents, writerFor } from '../../support/append-events.js';
import { finalEvent, runId, streamEvent } from '../../support/callback-events.js';
import { HookedEventStore, unreachable } from '../../support/hooked-event-store.js';
import { parseSse } from '../../support/sse-events.js';
import { roomy, framesOf, createStream, readAll, fakeTime, follow } from './read-event-stream.js';

describe('a stream of events whose run has ended', () => {
  fakeTime();

  it('waits briefly for the last event, which can arrive later than the answer', async () => {
    const store = new HookedEventStore();
    const reader = follow(framesOf(store, { filter: { correlationId: runId(1) }, runEnded: AbortSignal.abort() }));
    await appendEvents(store, [streamEvent()]);
    await vi.advanceTimersByTimeAsync(300);
    await appendEvents(store, [streamEvent(), finalEvent()]);
    expect(reader.end).toBeUndefined();
    await vi.advanceTimersByTimeAsync(200);
    expect(reader.sequences()).toEqual([1, 2, 3]);
    expect(reader.end).toBe('ended');
  });

  it('does not mistake the end of a superseded attempt for the last event', async () => {
    const store = new HookedEventStore();
    const ended = new AbortController();
    const reader = follow(framesOf(store, { filter: { correlationId: runId(1) }, runEnded: ended.signal }));
    await writerFor(store).final('not saved');
    const successor = writerFor(store);
    await vi.advanceTimersByTimeAsync(0);
    await successor.begin();
    await vi.advanceTimersByTimeAsync(0);
    ended.abort();
    await vi.advanceTimersByTimeAsync(100);
    expect(reader.end).toBeUndefined();
    await successor.final('saved');
    await vi.advanceTimersByTimeAsync(200);
    expect(reader.sequences()).toEqual([1, 2]);
    expect(reader.end).toBe('ended');
  });

  it.each([
    ['the last event does not arrive', () => undefined],
    ['the store is unreachable', unreachable],
  ])('ends after half a second if %s', async (_why, before) => {
    const store = new HookedEventStore();
    await appendEvents(store, [streamEvent()]);
    const ended = new AbortController();
    store.hooks.before = before;
    const reader = follow(framesOf(store, { runEnded: ended.signal }));
    await vi.advanceTimersByTimeAsync(10_000);
    ended.abort();
    await vi.advanceTimersByTimeAsync(450);
    expect(reader.end).toBeUndefined();
    await vi.advanceTimersByTimeAsync(51);
    expect(reader.end).toBe('ended');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('ends after half a second if the run ended before the stream started', async () => {
    const reader = follow(framesOf(new HookedEventStore(), { runEnded: AbortSignal.abort() }));
    await vi.advanceTimersByTimeAsync(450);
    expect(reader.end).toBeUndefined();
    await vi.advanceTimersByTimeAsync(51);
    expect(reader.end).toBe('ended');
  });

  it('ends after two seconds if the store does not respond', async () => {
    const store = new HookedEventStore();
    await appendEvents(store, [streamEvent()]);
    const ended = new AbortController();
    store.hooks.before = () => new Promise(() => {});
    const reader = follow(framesOf(store, { runEnded: ended.signal }));
    await vi.advanceTimersByTimeAsync(10_000);
    ended.abort();
    await vi.advanceTimersByTimeAsync(1999);
    expect(reader.end).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    expect(reader.end).toBe('ended');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('delivers its last event even if a read of it fails', async () => {
    const store = new HookedEventStore();
    const ended = new AbortController();
    const reader = follow(framesOf(store, { runEnded: ended.signal }));
    await vi.advanceTimersByTimeAsync(0);
    const failing = [1, 2];
    store.hooks.before = (method) => method === 'list' && failing.pop() !== undefined && unreachable();
    await appendEvents(store, [finalEvent()]);
    ended.abort();
    await vi.advanceTimersByTimeAsync(500);
    expect([reader.sequences(), reader.end]).toEqual([[1], 'ended']);
  });

  it('delivers all stored events, however long that takes', async () => {
    const store = new HookedEventStore();
    for (let count = 0; count < 10; count += 1)
      await appendEvents(
        store,
        Array.from({ length: 50 }, () => streamEvent()),
      );
    await appendEvents(store, [finalEvent()]);
    store.hooks.after = () => void vi.advanceTimersByTime(100);
    const reader = follow(framesOf(store, { runEnded: AbortSignal.abort() }));
    await vi.advanceTimersByTimeAsync(0);
    expect(reader.sequences()).toHaveLength(501);
    expect(reader.end).toBe('ended');
  });
});

describe('the time limit of a stream of events', () => {
  fakeTime();

  it('ends the stream, which sends a heartbeat every 15 s until then', async () => {
    const { frames } = createStream({ limits: { ...roomy, maxDurationMs: 40_000 } });
    let end: string | undefined;
    const all = readAll(frames).then((result) => {
      end = result.end;
      return result;
    });
    await vi.advanceTimersByTimeAsync(39_999);
    expect(end).toBeUndefined();
    await vi.advanceTimersByTimeAsync(2);
    const { read } = await all;
    expect(end).toBe('limit');
    expect(read.comments.length).toBeGreaterThanOrEqual(2);
    expect(read.events).toEqual([]);
  });

  it('does not stop heartbeats while a filter matches no events', async () => {
    const { store, frames } = createStream({ filter: { correlationId: runId(9) } });
    await frames.next();
    let comment: string | undefined;
    const next = (async () => {
      comment = (await frames.next()).value;
    })();
    for (let second = 0; second < 15; second += 1) {
      expect(comment).toBeUndefined();
      await appendEvents(store, [streamEvent()]);
      await vi.advanceTimersByTimeAsync(1001);
    }
    await next;
    expect(parseSse(String(comment)).comments).toHaveLength(1);
  });

  it('and a disconnect of the reader both call onEnd', async () => {
    const ended: string[] = [];
    const { frames } = createStream({ limits: { ...roomy, maxDurationMs: 0 }, onEnd: () => ended.push('limit') });
    await readAll(frames);
    const { frames: left } = createStream({ onEnd: () => ended.push('left') });
    await left.next();
    await left.return('ended');
    await new Promise(setImmediate);
    expect(ended).toEqual(['limit', 'left']);
  });

  it('uses one timer, however many events arrive, and clears it', async () => {
    const { store, frames } = createStream({ runEnded: new AbortController().signal });
    await frames.next();
    for (let count = 0; count < 100; count += 1) {
      const next = frames.next();
      await appendEvents(store, [streamEvent()]);
      await next;
    }
    expect(vi.getTimerCount()).toBe(1);
    await frames.return('ended');
    expect(vi.getTimerCount()).toBe(0);
  });
});
