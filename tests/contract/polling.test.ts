import { describe, expect, it } from 'vitest';
import type { CallbackEvent } from '../../src/audit/domain/callback-event.js';
import { finalEvents, newThreadId } from '../support/agent-api.js';
import type { HttpAnswer } from '../support/http-exchange.js';
import { contractApi } from './contract-target.js';

const CURSOR = /^[0-9a-z]+-\d+$/;

function eventsOf({ status, text }: HttpAnswer): CallbackEvent[] {
  if (status !== 200) throw new Error(`Expected status 200, got ${status}: ${text}`);
  return JSON.parse(text);
}

const cursorOf = ({ headers }: HttpAnswer) => String(headers['x-next-cursor']);

describe('polling agents/{agent}/callbacks/{thread_id}', () => {
  const api = contractApi();

  async function askTwice() {
    const threadId = newThreadId();
    const first = await api.ask(threadId, 'Hello');
    const second = await api.ask(threadId, 'Hello again');
    return { threadId, first, second, events: await api.events(threadId) };
  }

  /** Reads all pages. */
  async function readPages(threadId: string, query: string): Promise<CallbackEvent[][]> {
    const pages: CallbackEvent[][] = [];
    let answer = await api.poll(threadId, query);
    for (;;) {
      pages.push(eventsOf(answer));
      if (answer.headers['x-has-more'] !== 'true') return pages;
      answer = await api.poll(threadId, `${query}&after=${cursorOf(answer)}`);
    }
  }

  it('returns a cursor, and only newer events after it', async () => {
    const threadId = newThreadId();
    await api.ask(threadId, 'Hello');
    const first = await api.poll(threadId);
    expect(first.headers).toMatchObject({ 'x-has-more': 'false', 'x-next-cursor': expect.stringMatching(CURSOR) });
    expect(first.headers).not.toHaveProperty('x-cursor-reset');
    const nothing = await api.poll(threadId, `?after=${cursorOf(first)}`);
    expect(nothing).toMatchObject({ status: 200, text: '[]' });
    expect(cursorOf(nothing)).toBe(cursorOf(first));
    await api.ask(threadId, 'Hello again');
    const news = await api.poll(threadId, `?after=${cursorOf(nothing)}`);
    expect([...eventsOf(first), ...eventsOf(news)]).toEqual(await api.events(threadId));
  });

  it('accepts a sequence number as a cursor', async () => {
    const { threadId, events } = await askTwice();
    expect(eventsOf(await api.poll(threadId, '?after=2'))).toEqual(events.slice(2));
    expect(eventsOf(await api.poll(threadId, '?after=0&limit=3'))).toEqual(events.slice(0, 3));
  });

  it.each([1, 3, 1000])('reads a thread in pages of %i without a gap', async (limit) => {
    const { threadId, events } = await askTwice();
    const pages = await readPages(threadId, `?limit=${limit}`);
    expect(pages.flat()).toEqual(events);
    expect(pages.slice(0, -1).every((page) => page.length === limit)).toBe(true);
  });

  it('filters by run, by type, or by both, and pages the result', async () => {
    const { threadId, first, events } = await askTwice();
    const run = `correlation_id=${first.correlation_id}`;
    const ofRun = events.filter((event) => event.correlation_id === first.correlation_id);
    expect(eventsOf(await api.poll(threadId, `?${run}`))).toEqual(ofRun);
    expect(eventsOf(await api.poll(threadId, '?event_type=final'))).toEqual(finalEvents(events));
    expect(eventsOf(await api.poll(threadId, `?event_type=final&${run}`))).toEqual(finalEvents(ofRun));
    expect(eventsOf(await api.poll(threadId, `?event_type=failed&${run}`))).toEqual([]);
    expect((await readPages(threadId, `?limit=2&${run}`)).flat()).toEqual(ofRun);
    expect((await readPages(threadId, '?limit=1&event_type=final')).flat()).toEqual(finalEvents(events));
  });

  it('advances the cursor even if the filter matches nothing', async () => {
    const { threadId, events } = await askTwice();
    const nothing = await api.poll(threadId, `?correlation_id=${'0'.repeat(32)}`);
    expect(nothing).toMatchObject({ text: '[]', headers: { 'x-has-more': 'false' } });
    expect(cursorOf(nothing)).toMatch(new RegExp(`-${events.length}$`));
  });

  it('long-polls instead of answering 304, and returns the change', async () => {
    const threadId = newThreadId();
    await api.ask(threadId, 'Hello');
    const { etag } = (await api.poll(threadId)).headers;
    const known = { 'if-none-match': String(etag) };
    const start = performance.now();
    expect(await api.poll(threadId, '?wait=1', known)).toMatchObject({ status: 304 });
    expect(performance.now() - start).toBeGreaterThan(500);
    const [answer] = await Promise.all([api.poll(threadId, '?wait=20', known), api.ask(threadId, 'Hello again')]);
    expect(answer.status).toBe(200);
  });

  it('answers 304 without a body while nothing has changed, whatever the query', async () => {
    const { threadId } = await askTwice();
    for (const query of ['', '?after=2', '?limit=1']) {
      const { etag = '' } = (await api.poll(threadId, query)).headers;
      for (const tag of [etag, `W/${etag}`, `"other", ${etag}`]) {
        const unchanged = await api.poll(threadId, query, { 'if-none-match': tag });
        expect(unchanged).toMatchObject({ status: 304, text: '', headers: { etag } });
      }
      expect(await api.poll(threadId, query, { 'if-none-match': '"other"' })).toMatchObject({ status: 200 });
    }
  });

  it('changes the ETag when events are added or removed', async () => {
    const threadId = newThreadId();
    const tags: unknown[] = [];
    const takeTag = async () => tags.push((await api.poll(threadId)).headers.etag);
    await takeTag();
    await api.ask(threadId, 'Hello');
    await takeTag();
    await api.ask(threadId, 'Hello');
    await takeTag();
    await api.callbacks('DELETE', threadId);
    await takeTag();
    expect(new Set(tags).size).toBe(4);
    const known = { 'if-none-match': String(tags[2]) };
    expect(await api.poll(threadId, '', known)).toMatchObject({ status: 200, text: '[]' });
  });

  it('resets a reader whose cursor was removed, once', async () => {
    const { threadId, events } = await askTwice();
    const cursor = cursorOf(await api.poll(threadId, '?limit=2'));
    await api.callbacks('DELETE', threadId);
    const cleared = await api.poll(threadId, `?after=${cursor}`);
    expect(cleared).toMatchObject({ text: '[]', headers: { 'x-cursor-reset': 'true', 'x-has-more': 'false' } });
    const waiting = await api.poll(threadId, `?after=${cursorOf(cleared)}`);
    expect(waiting.headers).not.toHaveProperty('x-cursor-reset');
    await api.ask(threadId, 'Hello');
    const after = await api.poll(threadId, `?after=${cursorOf(waiting)}`);
    expect(after.headers).not.toHaveProperty('x-cursor-reset');
    expect(eventsOf(after)[0]?.sequence).toBe(events.length + 1);
    expect((await api.poll(threadId, `?after=${cursor}`)).headers).toMatchObject({ 'x-cursor-reset': 'true' });
  });

  it.each(['zz-1', '999999', 'zz-999999'])(
    'resets the cursor %s, which the thread never issued, and returns all events',
    async (cursor) => {
      const { threadId, events } = await askTwice();
      const answer = await api.poll(threadId, `?after=${cursor}`);
      expect(answer.headers).toMatchObject({ 'x-cursor-reset': 'true' });
      expect(eventsOf(answer)).toEqual(events);
    },
  );

  it('reports no more events for a cleared thread', async () => {
    const { threadId } = await askTwice();
    await api.callbacks('DELETE', threadId);
    expect(await api.poll(threadId, '?limit=1')).toMatchObject({ text: '[]', headers: { 'x-has-more': 'false' } });
  });

  it.each([
    ['after', 'x', 'cursor'],
    ['limit', '0', 'from 1 to 1000'],
    ['limit', '1001', 'from 1 to 1000'],
    ['wait', '31', 'from 0 to 30'],
    ['wait', 'soon', 'from 0 to 30'],
    ['event_type', 'other', 'stream or approval or final or failed'],
    ['correlation_id', 'x', '32 lower-case hex digits'],
  ])('rejects %s=%s and says what it expects', async (name, value, expected) => {
    const answer = await api.poll(newThreadId(), `?${name}=${value}`);
    expect(answer).toMatchObject({ status: 400, headers: { 'content-type': 'application/json' } });
    expect(JSON.parse(answer.text)).toEqual({
      error: expect.stringMatching(new RegExp(`^Invalid ${name}: .*${expected}`)),
    });
  });
});

describe('a long poll', () => {
  const api = contractApi();

  it('returns at once if there are events', async () => {
    const threadId = newThreadId();
    await api.ask(threadId, 'Hello');
    const started = performance.now();
    expect(eventsOf(await api.poll(threadId, '?wait=30'))).toEqual(await api.events(threadId));
    expect(performance.now() - started).toBeLessThan(25_000);
  });

  it('returns an empty list after the timeout', async () => {
    const threadId = newThreadId();
    await api.ask(threadId, 'Hello');
    const cursor = cursorOf(await api.poll(threadId));
    const started = performance.now();
    const answer = await api.poll(threadId, `?after=${cursor}&wait=1`);
    expect(answer).toMatchObject({ status: 200, text: '[]', headers: { 'x-next-cursor': cursor } });
    expect(performance.now() - started).toBeGreaterThan(500);
  });

  it('waits for a thread that does not exist yet, and follows it in order', async () => {
    const threadId = newThreadId();
    const seen: CallbackEvent[] = [];
    const reader = (async () => {
      let cursor = '0';
      while (seen.at(-1)?.event_type !== 'final') {
        const answer = await api.poll(threadId, `?after=${cursor}&wait=30&limit=3`);
        expect(answer.headers).not.toHaveProperty('x-cursor-reset');
        seen.push(...eventsOf(answer));
        cursor = cursorOf(answer);
      }
    })();
    await api.ask(threadId, 'Hello');
    await reader;
    expect(seen).toEqual(await api.events(threadId));
  });

  it('wakes up only for events that match its filter', async () => {
    const threadId = newThreadId();
    const final = api.poll(threadId, '?event_type=final&wait=30');
    await api.ask(threadId, 'Hello');
    expect(eventsOf(await final)).toEqual(finalEvents(await api.events(threadId)));
  });

  it('wakes up for a DELETE and reports the reset', async () => {
    const threadId = newThreadId();
    await api.ask(threadId, 'Hello');
    const cursor = cursorOf(await api.poll(threadId));
    const started = performance.now();
    const waiting = api.poll(threadId, `?after=${cursor}&wait=30`);
    await api.callbacks('DELETE', threadId);
    expect(await waiting).toMatchObject({ text: '[]', headers: { 'x-cursor-reset': 'true' } });
    expect(performance.now() - started).toBeLessThan(25_000);
  });
});
