import { describe, expect, it } from 'vitest';
import type { CallbackEvent } from '../../../src/audit/domain/callback-event.js';
import { StreamHub } from '../../../src/audit/http/stream-hub.js';
import { START } from '../../../src/audit/domain/event-cursor.js';
import { appendEvents, writerFor } from '../../support/append-events.js';
import { finalEvent, runId, streamEvent, thread } from '../../support/callback-events.js';
import { HookedEventStore, unreachable } from '../../support/hooked-event-store.js';
import { createRecordingLog } from '../../support/recording-log.js';
import { callbackInvocation } from '../../support/callback-invocation.js';
import { callbackEventsOf, SseEvents } from '../../support/sse-events.js';

const run = { ...thread, correlationId: runId(1) };
function createStreams({ maxOpen = 10, maxOpenPerThread = 10 } = {}) {
  const store = new HookedEventStore();
  const streams = new StreamHub({
    log: createRecordingLog(),
    store,
    maxDurationMs: 60_000,
    maxRunDurationMs: 300_000,
    maxBytes: 1_000_000,
    maxOpen,
    maxOpenPerThread,
  });
  return { store, streams };
}

async function readEvents(frames: AsyncIterable<Uint8Array>): Promise<CallbackEvent[]> {
  const read = new SseEvents();
  for await (const frame of frames) read.feed(frame);
  return callbackEventsOf(read.events);
}

/** Reads a stream to its end: run and sequence of each event. */
async function readAll(frames: AsyncIterable<Uint8Array>): Promise<[string, number][]> {
  return (await readEvents(frames)).map((event) => [event.correlation_id, event.sequence]);
}

describe('streams of events', () => {
  it('make room for a new one: the longest idle stream ends, and its reader may reconnect', async () => {
    const { streams } = createStreams({ maxOpenPerThread: 2 });
    const open = () => streams.open(thread, { after: START, filter: {} }, callbackInvocation());
    const [first, second] = [open(), open()];
    open();
    expect(await first.ended).toBe('limit');
    open();
    expect(await second.ended).toBe('limit');
  });

  it('are rejected while all others get events or end with a run', async () => {
    const { store, streams } = createStreams({ maxOpenPerThread: 1 });
    const open = () => streams.open(thread, { after: START, filter: {} }, callbackInvocation());
    const reader = open().body.getReader();
    await reader.read();
    await appendEvents(store, [streamEvent()]);
    await reader.read();
    expect(open).toThrow(expect.objectContaining({ status: 503, retryAfterSeconds: 1 }));
    await reader.cancel();
    await new Promise(setImmediate);
    await streams.follow(run, new AbortController().signal);
    expect(open).toThrow(expect.objectContaining({ status: 503, retryAfterSeconds: 300 }));
  });

  it('free their slot when they end, when their reader disconnects and when they fail', async () => {
    const { store, streams } = createStreams({ maxOpenPerThread: 1 });
    const ended = await streams.follow(run, AbortSignal.abort());
    expect(await readAll(ended.frames)).toEqual([]);
    (await streams.follow(run, new AbortController().signal)).close();
    await new Promise(setImmediate);
    store.hooks.before = () => {
      throw new TypeError('a mistake');
    };
    const { frames } = await streams.follow(run, new AbortController().signal, { fromStart: true });
    await expect(readAll(frames)).rejects.toThrow('a mistake');
    await streams.follow(run, new AbortController().signal, { fromStart: true });
  });

  it('of one thread share one store read per change', async () => {
    const { store, streams } = createStreams();
    const writer = writerFor(store);
    await writer.begin();
    const readers = Array.from({ length: 10 }, () =>
      streams.open(thread, { after: START, filter: {} }, callbackInvocation()).body.getReader(),
    );
    for (const reader of readers) await reader.read();
    const waiting = readers.map((reader) => reader.read());
    await new Promise(setImmediate);
    store.calls.length = 0;
    await writer.stream('one');
    const bytes = await Promise.all(waiting);
    expect(store.calls.filter((method) => method === 'list')).toHaveLength(1);
    // All readers share the same bytes instead of copies.
    expect(new Set(bytes.map(({ value }) => value)).size).toBe(1);
  });
});

describe('the stream of a run that is about to start', () => {
  it('starts with new events, omits other runs, and ends after the last event of its run', async () => {
    const { store, streams } = createStreams();
    await appendEvents(store, [streamEvent(), finalEvent()]);
    await appendEvents(store, [streamEvent(), finalEvent()], { run: 2 });
    const ended = new AbortController();
    const { frames } = await streams.follow(run, ended.signal);
    const read = readAll(frames);
    await appendEvents(store, [streamEvent()], { run: 2 });
    await writerFor(store).append(streamEvent(), finalEvent());
    ended.abort();
    expect(await read).toEqual([
      [runId(1), 6],
      [runId(1), 7],
    ]);
  });

  it('starts with the first event if another request may have started the run', async () => {
    const { store, streams } = createStreams();
    for (const number of [2, 1, 2]) await appendEvents(store, [streamEvent()], { run: number });
    await appendEvents(store, [finalEvent()]);
    const { frames } = await streams.follow(run, AbortSignal.abort(), { fromStart: true });
    expect(await readAll(frames)).toEqual([
      [runId(1), 2],
      [runId(1), 4],
    ]);
  });

  it('opens even if the store is unreachable, so that the run can start', async () => {
    const { store, streams } = createStreams();
    store.hooks.before = unreachable;
    const { frames } = await streams.follow(run, AbortSignal.abort());
    store.hooks.before = undefined;
    await appendEvents(store, [finalEvent()]);
    expect(await readAll(frames)).toEqual([[runId(1), 1]]);
  });

  it('does not wait for a store that does not respond', async () => {
    const { store, streams } = createStreams();
    store.hooks.before = () => new Promise(() => {});
    await expect(streams.follow(run, AbortSignal.abort())).resolves.toBeDefined();
  });

  it('resumes after the last event that its reader has seen', async () => {
    const { store, streams } = createStreams();
    await appendEvents(store, [streamEvent(), streamEvent(), finalEvent()]);
    const { epoch } = (await store.list(thread)).next;
    const { frames } = await streams.follow(run, AbortSignal.abort(), { fromStart: true, lastEventId: `${epoch}-1` });
    expect(await readAll(frames)).toEqual([
      [runId(1), 2],
      [runId(1), 3],
    ]);
    const refused = streams.follow(run, AbortSignal.abort(), { lastEventId: 'x' });
    await expect(refused).rejects.toMatchObject({ status: 400, message: expect.stringContaining('Last-Event-ID') });
  });

  it('has no byte limit', async () => {
    const { store, streams } = createStreams();
    const writer = writerFor(store);
    for (let count = 0; count < 15; count += 1) await writer.stream('x'.repeat(100_000));
    await writer.final();
    const { frames } = await streams.follow(run, AbortSignal.abort(), { fromStart: true });
    expect(await readAll(frames)).toHaveLength(16);
  });

  it('is rejected if too many are open', async () => {
    const { streams } = createStreams({ maxOpen: 1 });
    await streams.follow(run, AbortSignal.abort());
    await expect(streams.follow(run, AbortSignal.abort())).rejects.toMatchObject({ status: 503 });
  });
});
