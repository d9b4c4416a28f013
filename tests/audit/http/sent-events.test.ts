import { describe, expect, it } from 'vitest';
import { SentEvents, type SentEventsOptions } from '../../../src/audit/http/sent-events.js';
import { START } from '../../../src/audit/domain/event-cursor.js';
import type { CallbackEventStore } from '../../../src/audit/store/callback-event-store.js';
import { appendEvents, writerFor } from '../../support/append-events.js';
import { finalEvent, runId, streamEvent, thread } from '../../support/callback-events.js';
import { createMemoryStore } from '../../support/memory-store.js';
import { parseSse } from '../../support/sse-events.js';

function createReader(store: CallbackEventStore, options: Partial<SentEventsOptions> = {}) {
  const sent = new SentEvents({ after: START, filter: {}, maxBytes: Infinity, ...options });
  /** The text that the reader receives for new events. */
  const read = async (): Promise<string> => {
    const bytes = sent.take(await store.list(thread, { after: sent.position }));
    return bytes === undefined ? '' : Buffer.from(bytes).toString();
  };
  return { sent, read };
}

function superseded(run: number, attempt: number): string {
  return `event: superseded\ndata: {"correlation_id":"${runId(run)}","attempt":${attempt}}\n\n`;
}

describe('attempts whose events were sent', () => {
  it('are reported as superseded once, when another one starts', async () => {
    const store = createMemoryStore();
    const { read } = createReader(store);
    await writerFor(store).stream('half an answer');
    expect(await read()).not.toContain('superseded');
    await writerFor(store).begin();
    expect(await read()).toBe(superseded(1, 1));
    expect(await read()).toBe('');
  });

  it('are reported as superseded run by run, before the events of the page', async () => {
    const store = createMemoryStore();
    const { read } = createReader(store);
    for (const run of [1, 2, 3]) await writerFor(store, thread, run).stream(`half ${run}`);
    await read();
    for (const run of [3, 1]) await writerFor(store, thread, run).stream(`whole ${run}`);
    const text = await read();
    expect(
      text.startsWith(superseded(3, 1) + superseded(1, 1)) || text.startsWith(superseded(1, 1) + superseded(3, 1)),
    ).toBe(true);
    expect(parseSse(text).events.map(({ event }) => event)).toEqual(['superseded', 'superseded', 'stream', 'stream']);
  });

  it('are reported each time they are superseded', async () => {
    const store = createMemoryStore();
    const { read } = createReader(store);
    const attempts: unknown[] = [];
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      await writerFor(store).stream('half an answer');
      const { events } = parseSse(await read());
      attempts.push(
        ...events.filter(({ event }) => event === 'superseded').map(({ data }) => JSON.parse(data).attempt),
      );
    }
    expect(attempts).toEqual([1, 2]);
  });

  it('are forgotten when the thread is cleared', async () => {
    const store = createMemoryStore();
    const { read } = createReader(store);
    await writerFor(store).stream('half an answer');
    await read();
    await store.clear(thread);
    expect(parseSse(await read()).events.map(({ event }) => event)).toEqual(['reset']);
    await writerFor(store).begin();
    expect(await read()).toBe('');
  });

  it('are not reported to a reader of all attempts', async () => {
    const store = createMemoryStore();
    const { read } = createReader(store, { filter: { superseded: true } });
    await writerFor(store).stream('half an answer');
    await read();
    await writerFor(store).begin();
    expect(await read()).toBe('');
  });
});

function messagesIn(text: string): (string | undefined)[] {
  return parseSse(text).events.map(({ data }) => JSON.parse(data).request_message);
}

describe('the request message', () => {
  it('is in the first event of each run that a reader gets', async () => {
    const store = createMemoryStore();
    const { read } = createReader(store);
    for (const run of [1, 2, 1, 2]) await appendEvents(store, [streamEvent()], { run });
    expect(messagesIn(await read())).toEqual(['Tell me a short joke', 'Tell me a short joke', undefined, undefined]);
    await writerFor(store).final();
    expect(messagesIn(await read()).filter(Boolean)).toEqual([]);
  });

  it('is sent again on a new connection and after a reset', async () => {
    const store = createMemoryStore();
    await appendEvents(store, [streamEvent(), streamEvent()]);
    const { read } = createReader(store, { after: { sequence: 1 } });
    expect(messagesIn(await read())).toEqual(['Tell me a short joke']);
    await store.clear(thread);
    await appendEvents(store, [streamEvent()]);
    expect(messagesIn(await read())).toEqual([undefined, 'Tell me a short joke']);
  });
});

describe('the byte limit', () => {
  it('counts what is sent, so a long request message counts once', async () => {
    const store = createMemoryStore();
    const writer = writerFor(store);
    Object.assign(writer.run, { requestMessage: 'x'.repeat(20_000) });
    await writer.stream(...Array.from({ length: 50 }, () => 'a'));
    const { sent, read } = createReader(store, { maxBytes: 50_000 });
    expect(parseSse(await read()).events).toHaveLength(50);
    expect(sent.end).toBeUndefined();
  });

  it('ends the stream after the event that exceeds it', async () => {
    const store = createMemoryStore();
    await appendEvents(store, [streamEvent(), streamEvent(), finalEvent()]);
    const { sent, read } = createReader(store, { maxBytes: 1 });
    expect(parseSse(await read()).events).toHaveLength(1);
    expect(sent.end).toBe('limit');
  });
});
