import { describe, expect, it } from 'vitest';
import type { CallbackEvent } from '../../../src/audit/domain/callback-event.js';
import { EventStreams } from '../../../src/audit/http/event-streams.js';
import { START } from '../../../src/audit/domain/event-cursor.js';
import { appendEvents, writerFor } from '../../support/append-events.js';
import { finalEvent, runId, streamEvent, thread } from '../../support/callback-events.js';
import { HookedEventStore, unreachable } from '../../support/hooked-event-store.js';
import { createRecordingLog } from '../../support/recording-log.js';
import { callbackEventsOf, SseEvents } from '../../support/sse-events.js';

const run = { ...thread, correlationId: runId(1) };
function createStreams({ maxOpen = 10, maxOpenPerThread = 10 } = {}) {
  const store = new HookedEventStore();
  const streams = new EventStreams({
    log: createRecordingLog(),
    store,
    maxDurationMs: 60_000,
    maxBytes: 1_000_000,
    maxOpen,
    maxOpenPerThread,
  });
  return { store, streams };
}

async function readEvents(frames: AsyncGenerator<string, string>): Promise<CallbackEvent[]> {
  const read = new SseEvents();
  for await (const frame of frames) read.feed(Buffer.from(frame));
  return callbackEventsOf(read.events);
}

/** Reads a stream whose end was asked for: run and sequence of each event. */
async function readAll(frames: AsyncGenerator<string, string>): Promise<[string, number][]> {
  return (await readEvents(frames)).map((event) => [event.correlation_id, event.sequence]);
}

describe('streams of events', () => {
  it('may stay open for as long as they are allowed to', () => {
    expect(createStreams().streams.maxDurationMs).toBe(60_000);
  });

  it('are refused when too many are open, and make room when they are read to their end, left, or never read', async () => {
    const { store, streams } = createStreams({ maxOpenPerThread: 3 });
    await appendEvents(store, [finalEvent()]);
    const open = () => streams.open(thread, { after: START, filter: {}, signal: AbortSignal.abort() });
    const [first, second, third] = [open(), open(), open()];
    expect(open).toThrow(expect.objectContaining({ status: 503, retryAfterSeconds: 5 }));
    await readAll(first.frames);
    const fourth = open();
    expect(open).toThrow(expect.objectContaining({ status: 503 }));
    await second.frames.next();
    await second.frames.return('ended');
    open();
    expect(open).toThrow(expect.objectContaining({ status: 503 }));
    third.close();
    fourth.close();
    open();
    open();
    expect(open).toThrow(expect.objectContaining({ status: 503 }));
  });

  it('make room when they fail on the way', async () => {
    const { store, streams } = createStreams({ maxOpenPerThread: 1 });
    store.hooks.before = () => {
      throw new TypeError('a mistake');
    };
    const { frames } = streams.open(thread, { after: START, filter: {} });
    await expect(readAll(frames)).rejects.toThrow('a mistake');
    streams.open(thread, { after: START, filter: {} });
  });
});

describe('the stream of a run that is about to be started', () => {
  it('begins with what comes, leaves out other runs, and ends with all that was there when the run had ended', async () => {
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

  it('begins with the first event when another request may have started the run', async () => {
    const { store, streams } = createStreams();
    for (const number of [2, 1, 2]) await appendEvents(store, [streamEvent()], { run: number });
    await appendEvents(store, [finalEvent()]);
    const { frames } = await streams.follow(run, AbortSignal.abort(), { fromStart: true });
    expect(await readAll(frames)).toEqual([
      [runId(1), 2],
      [runId(1), 4],
    ]);
  });

  it('is opened although the store is out of reach, so that the run can be started', async () => {
    const { store, streams } = createStreams();
    store.hooks.before = unreachable;
    const { frames } = await streams.follow(run, AbortSignal.abort());
    store.hooks.before = undefined;
    await appendEvents(store, [finalEvent()]);
    expect(await readAll(frames)).toEqual([[runId(1), 1]]);
  });

  it('does not wait for a store that gives no answer', async () => {
    const { store, streams } = createStreams();
    store.hooks.before = () => new Promise(() => {});
    await expect(streams.follow(run, AbortSignal.abort())).resolves.toBeDefined();
  });

  it('is refused when too many are open', async () => {
    const { streams } = createStreams({ maxOpen: 1 });
    await streams.follow(run, AbortSignal.abort());
    await expect(streams.follow(run, AbortSignal.abort())).rejects.toMatchObject({ status: 503 });
  });
});
