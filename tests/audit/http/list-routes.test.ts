import { describe, expect, it } from 'vitest';
import { appendEvents, writerFor } from '../../support/append-events.js';
import { finalEvent, streamEvent, thread } from '../../support/callback-events.js';
import type { HookedEventStore } from '../../support/hooked-event-store.js';
import type { HttpAnswer } from '../../support/http-answer.js';
import { createRoutes, eventsIn } from './event-routes.js';

type Ask = ReturnType<typeof createRoutes>['ask'];

async function tagOf(ask: Ask): Promise<string> {
  return (await ask('list')).headers.get('etag') ?? '';
}

describe('the ETag of a list', () => {
  it.each<[string, (store: HookedEventStore) => Promise<unknown>]>([
    ['events are added', (store) => appendEvents(store, [streamEvent()])],
    ['another attempt of a run starts', (store) => writerFor(store).begin()],
    ['the thread is cleared', (store) => store.clear(thread)],
    [
      'the thread is cleared and has the same number of events again',
      async (store) => {
        await store.clear(thread);
        await appendEvents(store, [streamEvent(), finalEvent()]);
      },
    ],
  ])('changes when %s', async (_what, change) => {
    const { store, ask } = createRoutes();
    await appendEvents(store, [streamEvent(), finalEvent()]);
    const tag = await tagOf(ask);
    expect(tag).toMatch(/^"[^"]+"$/);
    expect((await ask('list', '', { 'if-none-match': tag })).status).toBe(304);
    await change(store);
    const answer = await ask('list', '', { 'if-none-match': tag });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('etag')).not.toBe(tag);
  });

  it.each([
    ['made weak, as nginx does', (tag: string) => `W/${tag}`],
    ['with a suffix, as Apache sends it', (tag: string) => tag.replace(/"$/, '-gzip"')],
    ['weak and with a suffix', (tag: string) => `W/${tag.replace(/"$/, '-br"')}`],
    ['with a suffix, as Jetty sends it', (tag: string) => `"other", ${tag.replace(/"$/, '--gzip"')}`],
  ])('is recognized after a proxy has compressed the response: %s', async (_what, changed) => {
    const { store, ask } = createRoutes();
    await appendEvents(store, [streamEvent()]);
    const tag = changed(await tagOf(ask));
    expect((await ask('list', '', { 'if-none-match': tag })).status).toBe(304);
    await appendEvents(store, [finalEvent()]);
    expect((await ask('list', '', { 'if-none-match': tag })).status).toBe(200);
  });

  it('does not change with another thread', async () => {
    const { store, ask } = createRoutes();
    await appendEvents(store, [streamEvent()]);
    const tag = await tagOf(ask);
    await appendEvents(store, [streamEvent()], { of: { ...thread, threadId: 'thread-2' } });
    expect(await tagOf(ask)).toBe(tag);
  });
});

describe('a long poll', () => {
  it('returns as soon as another attempt has events', async () => {
    const { store, ask } = createRoutes();
    await writerFor(store).stream('half an', ' answer');
    const answer = ask('list', '?after=2&wait=30');
    const answers: HttpAnswer[] = [];
    const settled = answer.then((given) => answers.push(given));
    const successor = writerFor(store);
    await successor.begin();
    await new Promise(setImmediate);
    expect(answers).toEqual([]);
    await successor.stream('a whole answer');
    await settled;
    expect(eventsIn(await answer)).toMatchObject([{ sequence: 3, attempt: 2, text: 'a whole answer' }]);
  });

  it('returns an empty list to a reader whose partial answer was superseded', async () => {
    const { store, ask } = createRoutes();
    await writerFor(store).stream('half an', ' answer');
    const tag = (await ask('list')).headers.get('etag') ?? '';
    const answer = ask('list', '?wait=30', { 'if-none-match': tag });
    await new Promise(setImmediate);
    await writerFor(store).begin();
    expect([(await answer).status, eventsIn(await answer)]).toEqual([200, []]);
  });

  it('reports a clear', async () => {
    const { store, ask } = createRoutes();
    await appendEvents(store, [streamEvent()]);
    const answer = ask('list', '?after=1&wait=30');
    await new Promise(setImmediate);
    await store.clear(thread);
    expect((await answer).headers.get('x-cursor-reset')).toBe('true');
  });
});

describe('the threads of an agent', () => {
  it('are listed by last activity, with the totals of their events', async () => {
    const { store, threadIndex, ask } = createRoutes();
    for (const [threadId, second] of [
      ['thread-0', 3],
      ['thread-1', 2],
      ['thread-2', 1],
      ['thread-1', 4],
    ] as const) {
      const at = new Date(Date.UTC(2026, 0, 7, 15, 40, second));
      await threadIndex.touch({ ...thread, threadId }, { message: `Hi ${threadId}`, status: 'completed', at });
      if (threadId !== 'thread-2') await appendEvents(store, [streamEvent()], { of: { ...thread, threadId } });
    }
    const { text } = await ask('threads');
    expect(JSON.parse(text)).toMatchObject([
      { thread_id: 'thread-1', event_count: 2, last_event_type: 'stream', title: 'Hi thread-1', status: 'completed' },
      { thread_id: 'thread-0', event_count: 1, last_activity_at: '2026-01-07T15:40:03.000Z' },
      { thread_id: 'thread-2', event_count: 0, first_event_at: null, last_event_at: null, last_event_type: null },
    ]);
  });
});

describe('long polls', () => {
  it('are limited, and the answer above the limit says when to retry', async () => {
    const { store, ask } = createRoutes();
    const waiting = Array.from({ length: 10 }, () => ask('list', '?wait=30'));
    await new Promise(setImmediate);
    const refused = await ask('list', '?wait=30');
    expect([refused.status, Number(refused.headers.get('retry-after'))]).toEqual([503, 30]);
    expect((await ask('list')).status).toBe(200);
    await appendEvents(store, [streamEvent()]);
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual(waiting.map(() => 200));
    expect((await ask('list', '?wait=30')).status).toBe(200);
  });
});

describe('the pages of an agent’s threads', () => {
  it('have cursors that fit into a header, whatever the thread ids', async () => {
    const { threadIndex, ask } = createRoutes();
    const ids = ['auth0|1', 'a,b', '100%25', 'Zoë', '東京', 'a b', 'x'.repeat(128)];
    for (const threadId of ids) {
      await threadIndex.touch({ ...thread, threadId }, { message: 'Hi', status: 'completed', at: new Date() });
    }
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const answer: HttpAnswer = await ask('threads', `?limit=2&cursor=${cursor}`);
      const page: { thread_id: string }[] = JSON.parse(answer.text);
      seen.push(...page.map(({ thread_id: id }) => id));
      cursor = answer.headers.get('x-next-cursor');
      expect(cursor ?? '').toMatch(/^[\x21-\x7E]*$/);
    }
    expect(seen.toSorted()).toEqual(ids.toSorted());
  });
});
