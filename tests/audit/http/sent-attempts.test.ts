import { describe, expect, it } from 'vitest';
import { SentAttempts } from '../../../src/audit/http/sent-attempts.js';
import { START } from '../../../src/audit/domain/event-cursor.js';
import type { MemoryEventStore } from '../../../src/audit/store/memory/memory-event-store.js';
import { appendEvents, writerFor } from '../../support/append-events.js';
import { runId, streamEvent, thread } from '../../support/callback-events.js';
import { createMemoryStore } from '../../support/memory-store.js';

function superseded(run: number, attempt: number): string {
  return `event: superseded\ndata: {"correlation_id":"${runId(run)}","attempt":${attempt}}\n\n`;
}

/** The frames for one who went on at this place with such a filter, and reads all that is there. */
async function framesAfter(
  store: MemoryEventStore,
  after: { sequence: number; epoch?: string },
  filter = {},
): Promise<string> {
  const sent = new SentAttempts();
  await sent.begin(store, thread, after, filter);
  return sent.supersededFrames(await store.list(thread));
}

describe('the attempts that a reader has events of', () => {
  it('are told to be void when another one begins, once', async () => {
    const store = createMemoryStore();
    const sent = new SentAttempts();
    await writerFor(store).stream('half an answer');
    const page = await store.list(thread);
    for (const event of page.events) sent.add(event);
    expect(sent.supersededFrames(page)).toBe('');
    await writerFor(store).begin();
    expect(sent.supersededFrames(await store.list(thread))).toBe(superseded(1, 1));
    expect(sent.supersededFrames(await store.list(thread))).toBe('');
  });

  it('are told run by run', async () => {
    const store = createMemoryStore();
    const sent = new SentAttempts();
    for (const run of [1, 2, 3]) await writerFor(store, thread, run).stream(`half ${run}`);
    for (const event of (await store.list(thread)).events) sent.add(event);
    for (const run of [3, 1]) await writerFor(store, thread, run).stream(`whole ${run}`);
    expect(sent.supersededFrames(await store.list(thread))).toBe(superseded(1, 1) + superseded(3, 1));
  });

  it('are told each time that they become void', async () => {
    const store = createMemoryStore();
    const sent = new SentAttempts();
    const frames: string[] = [];
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      await writerFor(store).stream('half an answer');
      const page = await store.list(thread);
      frames.push(sent.supersededFrames(page));
      for (const event of page.events) sent.add(event);
    }
    expect(frames).toEqual(['', superseded(1, 1), superseded(1, 2)]);
  });

  it('are forgotten with the record', async () => {
    const store = createMemoryStore();
    const sent = new SentAttempts();
    await writerFor(store).stream('half an answer');
    for (const event of (await store.list(thread)).events) sent.add(event);
    sent.forget();
    await writerFor(store).begin();
    expect(sent.supersededFrames(await store.list(thread))).toBe('');
  });

  it('are known of the event at which a reader goes on', async () => {
    const store = createMemoryStore();
    await appendEvents(store, [streamEvent('another run')], { run: 2 });
    await writerFor(store).stream('half an', ' answer');
    await writerFor(store).stream('a whole answer');
    const { epoch = '' } = (await store.list(thread)).next;
    expect(await framesAfter(store, { sequence: 2 })).toBe(superseded(1, 1));
    expect(await framesAfter(store, { sequence: 3, epoch })).toBe(superseded(1, 1));
    expect(await framesAfter(store, { sequence: 3 }, { correlationId: runId(1) })).toBe(superseded(1, 1));
    expect(await framesAfter(store, { sequence: 4 })).toBe('');
  });

  it.each<[string, { sequence: number; epoch?: string }, object]>([
    ['at the beginning', START, {}],
    ['at an event of a run that is not asked for', { sequence: 1 }, { correlationId: runId(2) }],
    ['in another record', { sequence: 1, epoch: 'another' }, {}],
    ['behind the end', { sequence: 9 }, {}],
  ])('are none of one who goes on %s', async (_where, after, filter) => {
    const store = createMemoryStore();
    await writerFor(store).stream('half an answer');
    await writerFor(store).stream('a whole answer');
    expect(await framesAfter(store, after, filter)).toBe('');
  });

  it('are none of one who goes on in a thread that is unknown or was cleared', async () => {
    const store = createMemoryStore();
    expect(await framesAfter(store, { sequence: 1 })).toBe('');
    await writerFor(store).stream('half an answer');
    await store.clear(thread);
    await writerFor(store).stream('a whole answer');
    expect(await framesAfter(store, { sequence: 1 })).toBe('');
  });
});
