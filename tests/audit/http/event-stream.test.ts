import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CallbackEventStore } from '../../../src/audit/store/callback-event-store.js';
import { START } from '../../../src/audit/domain/event-cursor.js';
import { EventStream, type EventStreamOptions, type StreamEnd } from '../../../src/audit/http/event-stream.js';
import { ThreadFeed } from '../../../src/audit/http/thread-feed.js';
import { appendEvents, writerFor } from '../../support/append-events.js';
import { failedEvent, finalEvent, runId, servedEvent, streamEvent, thread } from '../../support/callback-events.js';
import { HookedEventStore, unreachable } from '../../support/hooked-event-store.js';
import { createMemoryStore } from '../../support/memory-store.js';
import { createRecordingLog } from '../../support/recording-log.js';
import { callbackEventsOf, parseSse, SseEvents } from '../../support/sse-events.js';

const roomy = { maxDurationMs: 100_000, maxBytes: 1_048_576 };

type TestOptions = Partial<EventStreamOptions> & {
  readonly limits?: Partial<typeof roomy>;
  readonly onEnd?: () => void;
};

/** A stream as its reader sees it: its texts, then the reason why it ended. */
async function* framesOf(
  store: CallbackEventStore,
  { limits, onEnd, ...options }: TestOptions = {},
): AsyncGenerator<string, StreamEnd> {
  const feed = options.feed ?? new ThreadFeed(store, thread);
  const stream = new EventStream({
    ...roomy,
    ...limits,
    store,
    thread,
    feed,
    after: START,
    filter: {},
    log: createRecordingLog(),
    ...options,
  });
  const release = (): void => onEnd?.();
  stream.ended.then(release, release);
  for await (const bytes of stream.body) yield Buffer.from(bytes).toString();
  return await stream.ended;
}

function createStream(options: TestOptions = {}) {
  const store = createMemoryStore();
  return { store, frames: framesOf(store, options) };
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

/** The sequences of the events in the next frames. */
async function nextSequences(frames: AsyncGenerator<string, string>): Promise<number[]> {
  return callbackEventsOf(parseSse((await frames.next()).value).events).map(({ sequence }) => sequence);
}

describe('a stream of events', () => {
  it('starts with the reconnection time', async () => {
    const { frames } = createStream();
    expect(parseSse((await frames.next()).value).retryMs).toBe(1000);
  });

  it('replays stored events, then follows live, with cursors as ids and event types as names', async () => {
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
        data: JSON.stringify(servedEvent(event, { sequence: index + 1, hasMessage: index === 0 })),
      })),
    );
  });

  it('follows a thread that does not exist yet', async () => {
    const { store, frames } = createStream();
    await frames.next();
    const next = nextSequences(frames);
    await appendEvents(store, [streamEvent()]);
    expect(await next).toEqual([1]);
  });

  it('filters by run', async () => {
    const { store, frames } = createStream({ filter: { correlationId: runId(2) } });
    for (const run of [1, 2, 1, 2]) await appendEvents(store, [streamEvent()], { run });
    await frames.next();
    expect(await nextSequences(frames)).toEqual([2, 4]);
    const next = nextSequences(frames);
    for (const run of [1, 3, 2]) await appendEvents(store, [streamEvent()], { run });
    expect(await next).toEqual([7]);
  });

  it('resets a reader whose cursor has another epoch, and starts with the oldest event', async () => {
    const { store, frames } = createStream({ after: { epoch: 'another', sequence: 2 } });
    for (let count = 0; count < 3; count += 1) await appendEvents(store, [streamEvent()]);
    await frames.next();
    const { events } = parseSse((await frames.next()).value);
    const { epoch } = (await store.list(thread)).next;
    expect(events[0]).toEqual({ id: `${epoch}-0`, event: 'reset', data: '{"oldest_sequence":1}' });
    expect(callbackEventsOf(events).map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  });

  it('resets a reader whose log is gone to the start cursor', async () => {
    const { store, frames } = createStream({ after: { epoch: 'another', sequence: 2 } });
    await frames.next();
    const { events } = parseSse((await frames.next()).value);
    expect(events).toEqual([{ id: '0', event: 'reset', data: '{"oldest_sequence":1}' }]);
    const next = nextSequences(frames);
    await appendEvents(store, [streamEvent()]);
    expect(await next).toEqual([1]);
  });

  it('reports a clear, and continues after it', async () => {
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

  it('reports a superseded attempt as soon as another one starts', async () => {
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

  it('tells a returning reader that the attempt it saw last is superseded', async () => {
    const { store } = createStream();
    await writerFor(store).stream('half an', ' answer');
    await writerFor(store).final('a whole answer');
    const reader = framesOf(store, { after: { sequence: 2 } });
    await reader.next();
    const { events } = parseSse((await reader.next()).value);
    expect(events.map(({ event, id }) => [event, id === undefined])).toEqual([
      ['superseded', true],
      ['final', false],
    ]);
  });

  it('omits superseded attempts, unless they are requested', async () => {
    const { store } = createStream();
    await writerFor(store).stream('half an', ' answer');
    await writerFor(store).final('a whole answer');
    const sequencesWith = async (filter: EventStreamOptions['filter']): Promise<number[]> => {
      const reader = framesOf(store, { filter });
      await reader.next();
      return nextSequences(reader);
    };
    expect(await sequencesWith({})).toEqual([3]);
    expect(await sequencesWith({ superseded: true })).toEqual([1, 2, 3]);
  });

  it('reports at once an attempt that was superseded during a read', async () => {
    const store = new HookedEventStore();
    await writerFor(store, thread, 2).stream(...Array.from({ length: 10 }, () => 'void'));
    await writerFor(store, thread, 2).stream('of the second attempt');
    await writerFor(store).stream(...Array.from({ length: 39 }, () => 'void in a moment'));
    await appendEvents(
      store,
      Array.from({ length: 100 }, () => streamEvent('another run')),
      { run: 3 },
    );
    store.hooks.after = async () => {
      store.hooks.after = undefined;
      await writerFor(store).begin();
    };
    const frames = framesOf(store);
    await frames.next();
    const read = new SseEvents();
    for (let page = 0; page < 3; page += 1) read.feed(Buffer.from((await frames.next()).value));
    const superseded = read.events.findIndex(({ event }) => event === 'superseded');
    expect(JSON.parse(read.events[superseded]?.data ?? '')).toEqual({ correlation_id: runId(1), attempt: 1 });
    const sequences = callbackEventsOf(read.events.slice(superseded)).map(({ sequence }) => sequence);
    expect(sequences).toEqual(Array.from({ length: 100 }, (_, index) => 51 + index));
  });

  it('ends after the end of its run on request', async () => {
    const { store, frames } = createStream({ untilRunEnd: true });
    await appendEvents(store, [streamEvent(), finalEvent()]);
    await appendEvents(store, [streamEvent()], { run: 2 });
    const { read, end } = await readAll(frames);
    expect(end).toBe('ended');
    expect(callbackEventsOf(read.events).map(({ sequence }) => sequence)).toEqual([1, 2]);
  });

  it('ends on a signal, after all earlier events', async () => {
    const ended = new AbortController();
    const { store, frames } = createStream({ runEnded: ended.signal });
    await appendEvents(store, [streamEvent()]);
    const all = readAll(frames);
    await appendEvents(store, [streamEvent()]);
    await appendEvents(store, [finalEvent()]);
    ended.abort();
    const { read, end } = await all;
    expect(end).toBe('ended');
    expect(callbackEventsOf(read.events)).toHaveLength(3);
  });

  it('ends at its byte limit after at least one event, so that each connection makes progress', async () => {
    const { store } = createStream();
    for (let count = 0; count < 21; count += 1) await appendEvents(store, [streamEvent('x'.repeat(1000))]);
    const seen: number[] = [];
    let connections = 0;
    let after = START;
    while (seen.length < 21) {
      connections += 1;
      const limits = { ...roomy, maxBytes: connections === 1 ? 1 : 5000 };
      const { read, end } = await readAll(framesOf(store, { after, limits }));
      expect(end).toBe('limit');
      seen.push(...callbackEventsOf(read.events).map(({ sequence }) => sequence));
      after = { sequence: seen.at(-1) ?? 0 };
    }
    expect(seen).toEqual(Array.from({ length: 21 }, (_, index) => index + 1));
    expect(connections).toBe(6);
  });

  it('counts everything that it sends toward its byte limit', async () => {
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

function fakeTime(): void {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
  afterEach(() => void vi.useRealTimers());
}

/** All that the reader has received and read so far. */
function follow(frames: AsyncGenerator<string, 'ended' | 'limit'>) {
  const followed = { read: new SseEvents(), end: undefined as string | undefined, sequences: (): number[] => [] };
  followed.sequences = () => callbackEventsOf(followed.read.events).map(({ sequence }) => sequence);
  void (async () => {
    for (;;) {
      const { done, value } = await frames.next();
      if (done) return void (followed.end = value);
      followed.read.feed(Buffer.from(value));
    }
  })();
  return followed;
}

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
      // One of them is the read for all streams of the thread.
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
