import { describe, expect, it } from 'vitest';
import { START } from '../../../src/audit/domain/event-cursor.js';
import type { EventStreamOptions } from '../../../src/audit/http/event-stream.js';
import { appendEvents, writerFor } from '../../support/append-events.js';
import { failedEvent, finalEvent, runId, servedEvent, streamEvent, thread } from '../../support/callback-events.js';
import { HookedEventStore } from '../../support/hooked-event-store.js';
import { callbackEventsOf, parseSse, SseEvents } from '../../support/sse-events.js';
import { roomy, framesOf, createStream, readAll, nextSequences } from './read-event-stream.js';

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
