import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { START } from '../../src/audit/store/event-cursor.js';
import { type EventStreamOptions, streamEvents } from '../../src/audit/event-stream.js';
import { appendEvents, writerFor } from '../support/append-events.js';
import { failedEvent, finalEvent, runId, servedEvent, streamEvent, thread } from '../support/callback-events.js';
import { createMemoryStore } from '../support/memory-store.js';
import { callbackEventsOf, parseSse, SseEvents } from '../support/sse-events.js';

const roomy = { maxDurationMs: 100_000, maxBytes: 1_048_576 };

function createStream(options: Partial<EventStreamOptions> = {}) {
  const store = createMemoryStore();
  return { store, frames: streamEvents({ store, thread, after: START, filter: {}, limits: roomy, ...options }) };
}

/** Reads to the end. */
async function readAll(frames: AsyncGenerator<string, 'ended' | 'limit'>) {
  const read = new SseEvents();
  for (;;) {
    const { done, value } = await frames.next();
    if (done) return { read, end: value };
    read.feed(Buffer.from(value));
  }
}

/** The sequences of the events that the next frames carry. */
async function nextSequences(frames: AsyncGenerator<string, string>): Promise<number[]> {
  return callbackEventsOf(parseSse((await frames.next()).value).events).map(({ sequence }) => sequence);
}

describe('a stream of events', () => {
  it('begins with the time after which to connect again', async () => {
    const { frames } = createStream();
    expect(parseSse((await frames.next()).value).retryMs).toBe(1000);
  });

  it('gives what is there, then what comes, each under its cursor and its type', async () => {
    const { store, frames } = createStream();
    const events = [streamEvent('a'), streamEvent('b'), finalEvent(), failedEvent()];
    for (const event of events.slice(0, 2)) await appendEvents(store, [event]);
    await frames.next();
    const read = parseSse((await frames.next()).value);
    const coming = frames.next();
    await appendEvents(store, [finalEvent()]);
    read.feed(Buffer.from((await coming).value));
    await appendEvents(store, [failedEvent()]);
    read.feed(Buffer.from((await frames.next()).value));
    const { epoch } = (await store.list(thread)).next;
    expect(read.events).toEqual(
      events.map((event, index) => ({
        id: `${epoch}-${index + 1}`,
        event: event.eventType,
        data: JSON.stringify(servedEvent(event, { sequence: index + 1 })),
      })),
    );
  });

  it('follows a thread that is not known yet', async () => {
    const { store, frames } = createStream();
    await frames.next();
    const next = nextSequences(frames);
    await appendEvents(store, [streamEvent()]);
    expect(await next).toEqual([1]);
  });

  it('shows only the events of the run that is asked for', async () => {
    const { store, frames } = createStream({ filter: { correlationId: runId(2) } });
    for (const run of [1, 2, 1, 2]) await appendEvents(store, [streamEvent()], { run });
    await frames.next();
    expect(await nextSequences(frames)).toEqual([2, 4]);
    const next = nextSequences(frames);
    for (const run of [1, 3, 2]) await appendEvents(store, [streamEvent()], { run });
    expect(await next).toEqual([7]);
  });

  it('tells a reader of another record first, and begins with the oldest event', async () => {
    const { store, frames } = createStream({ after: { epoch: 'another', sequence: 2 } });
    for (let count = 0; count < 3; count += 1) await appendEvents(store, [streamEvent()]);
    await frames.next();
    const { events } = parseSse((await frames.next()).value);
    const { epoch } = (await store.list(thread)).next;
    expect(events[0]).toEqual({ id: `${epoch}-0`, event: 'reset', data: '{"oldest_sequence":1}' });
    expect(callbackEventsOf(events).map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  });

  it('tells a reader of a record that is gone, whose next cursor is the beginning', async () => {
    const { store, frames } = createStream({ after: { epoch: 'another', sequence: 2 } });
    await frames.next();
    const { events } = parseSse((await frames.next()).value);
    expect(events).toEqual([{ id: '0', event: 'reset', data: '{"oldest_sequence":1}' }]);
    const next = nextSequences(frames);
    await appendEvents(store, [streamEvent()]);
    expect(await next).toEqual([1]);
  });

  it('tells of a clear on the way, and goes on behind it', async () => {
    const { store, frames } = createStream();
    for (let count = 0; count < 3; count += 1) await appendEvents(store, [streamEvent()]);
    await frames.next();
    await frames.next();
    const reset = frames.next();
    await store.clear(thread);
    const { epoch } = (await store.list(thread)).next;
    expect(parseSse((await reset).value).events).toEqual([
      { id: `${epoch}-0`, event: 'reset', data: '{"oldest_sequence":4}' },
    ]);
    const next = nextSequences(frames);
    await appendEvents(store, [streamEvent()]);
    expect(await next).toEqual([4]);
  });

  it('takes back what it has sent of an attempt as soon as another one begins', async () => {
    const { store, frames } = createStream();
    await writerFor(store).stream('half an', ' answer');
    await frames.next();
    expect(await nextSequences(frames)).toEqual([1, 2]);
    const next = frames.next();
    const successor = writerFor(store);
    await successor.begin();
    const superseded = `event: superseded\ndata: {"correlation_id":"${runId(1)}","attempt":1}\n\n`;
    expect((await next).value).toBe(superseded);
    const following = nextSequences(frames);
    await successor.final('a whole answer');
    expect(await following).toEqual([3]);
  });

  it('tells one who comes back that the attempt it has seen last is void', async () => {
    const { store } = createStream();
    await writerFor(store).stream('half an', ' answer');
    await writerFor(store).final('a whole answer');
    const reader = streamEvents({ store, thread, after: { sequence: 2 }, filter: {}, limits: roomy });
    await reader.next();
    const { events } = parseSse((await reader.next()).value);
    expect(events.map(({ event, id }) => [event, id === undefined])).toEqual([
      ['superseded', true],
      ['final', false],
    ]);
  });

  it('does not show attempts that are void, unless it is asked to', async () => {
    const { store } = createStream();
    await writerFor(store).stream('half an', ' answer');
    await writerFor(store).final('a whole answer');
    const sequencesWith = async (filter: EventStreamOptions['filter']): Promise<number[]> => {
      const reader = streamEvents({ store, thread, after: START, filter, limits: roomy });
      await reader.next();
      return nextSequences(reader);
    };
    expect(await sequencesWith({})).toEqual([3]);
    expect(await sequencesWith({ superseded: true })).toEqual([1, 2, 3]);
  });

  it('ends with the last event that is wanted', async () => {
    const { store, frames } = createStream({ isLast: ({ eventType }) => eventType === 'final' });
    for (const event of [streamEvent(), finalEvent(), streamEvent()]) await appendEvents(store, [event]);
    const { read, end } = await readAll(frames);
    expect(end).toBe('ended');
    expect(callbackEventsOf(read.events).map(({ sequence }) => sequence)).toEqual([1, 2]);
  });

  it('ends on a signal, with all that was there before it', async () => {
    const ended = new AbortController();
    const { store, frames } = createStream({ signal: ended.signal });
    await appendEvents(store, [streamEvent()]);
    const all = readAll(frames);
    await appendEvents(store, [streamEvent()]);
    await appendEvents(store, [finalEvent()]);
    ended.abort();
    const { read, end } = await all;
    expect(end).toBe('ended');
    expect(callbackEventsOf(read.events)).toHaveLength(3);
  });

  it('ends at its limit of bytes, and has sent at least one event, so that each connection gets on', async () => {
    const { store } = createStream();
    for (let count = 0; count < 21; count += 1) await appendEvents(store, [streamEvent('x'.repeat(1000))]);
    const seen: number[] = [];
    let connections = 0;
    let after = START;
    while (seen.length < 21) {
      connections += 1;
      const limits = { ...roomy, maxBytes: connections === 1 ? 1 : 5000 };
      const { read, end } = await readAll(streamEvents({ store, thread, after, filter: {}, limits }));
      expect(end).toBe('limit');
      seen.push(...callbackEventsOf(read.events).map(({ sequence }) => sequence));
      after = { sequence: seen.at(-1) ?? 0 };
    }
    expect(seen).toEqual(Array.from({ length: 21 }, (_, index) => index + 1));
    expect(connections).toBe(6);
  });

  it('counts what it sent in all against its limit of bytes', async () => {
    const { store, frames } = createStream({ limits: { ...roomy, maxBytes: 3000 } });
    const all = readAll(frames);
    for (let count = 0; count < 10; count += 1) {
      await appendEvents(store, [streamEvent('x'.repeat(1000))]);
      await new Promise(setImmediate);
    }
    const { read, end } = await all;
    expect(end).toBe('limit');
    expect(callbackEventsOf(read.events)).toHaveLength(3);
  });
});

describe('the time of a stream of events', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));

  afterEach(() => void vi.useRealTimers());

  it('is over after its limit, and until then it shows every 15 s that it lives', async () => {
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

  it('is shown to one who waits for other events than those that come', async () => {
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

  it('tells when it has ended, or its reader has gone', async () => {
    const ended: string[] = [];
    const { frames } = createStream({ limits: { ...roomy, maxDurationMs: 0 }, onEnd: () => ended.push('limit') });
    await readAll(frames);
    const { frames: left } = createStream({ onEnd: () => ended.push('left') });
    await left.next();
    await left.return('ended');
    expect(ended).toEqual(['limit', 'left']);
  });

  it('takes one timer, however many events are waited for, and leaves none behind', async () => {
    const { store, frames } = createStream({ signal: new AbortController().signal });
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
