import { type HttpHandler, HttpResponse } from '@azure/functions';
import { describe, expect, it } from 'vitest';
import type { CallbackEvent } from '../../../src/audit/domain/callback-event.js';
import { AnswerBudget } from '../../../src/audit/http/answer-budget.js';
import { createExportEventsRoute } from '../../../src/audit/http/export-events-route.js';
import { createListEventsRoute } from '../../../src/audit/http/list-events-route.js';
import { ReaderSlots } from '../../../src/audit/http/reader-slots.js';
import { createStreamEventsRoute } from '../../../src/audit/http/stream-events-route.js';
import { StreamHub } from '../../../src/audit/http/stream-hub.js';
import { createThreadsRoute } from '../../../src/audit/http/threads-route.js';
import { ThreadIndex } from '../../../src/durable-agents/index.js';
import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';
import { appendEvents, writerFor } from '../../support/append-events.js';
import { failedEvent, finalEvent, runId, streamEvent, thread } from '../../support/callback-events.js';
import {
  callbackInvocation,
  callbackRequest,
  type CallbackRequestParts,
  createAccess,
} from '../../support/callback-invocation.js';
import { HookedEventStore, unreachable } from '../../support/hooked-event-store.js';
import { type HttpAnswer, httpAnswer } from '../../support/http-answer.js';
import { readCsv } from '../../support/read-csv.js';
import { createRecordingLog } from '../../support/recording-log.js';
import { callbackEventsOf, parseSse } from '../../support/sse-events.js';

type Route = 'list' | 'stream' | 'export' | 'threads';

/** The endpoints of a thread over a store. */
function createRoutes(limits: { maxAnswerBytes?: number; maxTotalBytes?: number } = {}) {
  const store = new HookedEventStore();
  const access = createAccess();
  const threadIndex = new ThreadIndex(new MemoryKeyValueStore());
  const readers = { maxOpen: 10, maxOpenPerThread: 10 };
  const polls = new ReaderSlots('long polls', readers);
  const budget = new AnswerBudget(limits.maxTotalBytes ?? 100_000_000);
  const options = { store, access, polls, budget, maxPageBytes: 10_000_000, maxAnswerBytes: 10_000_000, ...limits };
  const streams = new StreamHub({
    ...readers,
    store,
    log: createRecordingLog(),
    maxDurationMs: 60_000,
    maxRunDurationMs: 60_000,
    maxBytes: 1_000_000,
  });
  const routes: Readonly<Record<Route, HttpHandler>> = {
    list: createListEventsRoute(options),
    stream: createStreamEventsRoute({ store, access, streams }),
    export: createExportEventsRoute(options),
    threads: createThreadsRoute({ store, access, threadIndex }),
  };
  const ask = (route: Route, query = '', headers: CallbackRequestParts['headers'] = {}): Promise<HttpAnswer> =>
    httpAnswer(routes[route], callbackRequest({ query, headers }), callbackInvocation());
  /** The answer before its body is read. */
  const open = async (route: Route, query = ''): Promise<HttpResponse> =>
    new HttpResponse((await routes[route](callbackRequest({ query }), callbackInvocation())) ?? {});
  return { store, threadIndex, ask, open };
}

/** The number of event reads that still succeed. */
function failAfter(store: HookedEventStore, reads: number): void {
  let left = reads;
  store.hooks.before = (method) => {
    if (method !== 'list') return;
    if (left === 0) unreachable();
    left -= 1;
  };
}

/** The events in an answer of the list, the JSON Lines export or a stream. */
function eventsIn({ contentType, text }: HttpAnswer): CallbackEvent[] {
  if (contentType === 'text/event-stream') return callbackEventsOf(parseSse(text).events);
  const lines = contentType === 'application/jsonl' ? text.split('\n').slice(0, -1) : undefined;
  return lines === undefined ? JSON.parse(text) : lines.map((line) => JSON.parse(line));
}

const placeOf = ({ sequence, attempt }: CallbackEvent) => `${sequence}:${attempt}`;

const UNTIL_END = `until=run-end&correlation_id=${runId(1)}`;

/** Another run, and then one with two attempts. */
async function createHistory() {
  const routes = createRoutes();
  await appendEvents(routes.store, [streamEvent(), finalEvent()], { run: 2 });
  await writerFor(routes.store).append(streamEvent('half'), failedEvent());
  await writerFor(routes.store).append(streamEvent('whole'), finalEvent('whole'));
  return routes;
}

describe('a redelivered run', () => {
  it.each<[Route, string, string[]]>([
    ['list', '', ['1:1', '2:1', '5:2', '6:2']],
    ['list', '?superseded=false', ['1:1', '2:1', '5:2', '6:2']],
    ['list', '?superseded=true', ['1:1', '2:1', '3:1', '4:1', '5:2', '6:2']],
    ['list', '?superseded=true&event_type=failed', ['4:1']],
    ['list', '?event_type=failed', []],
    ['list', '?limit=3', ['1:1', '2:1', '5:2']],
    ['export', '', ['1:1', '2:1', '5:2', '6:2']],
    ['export', '?superseded=true', ['1:1', '2:1', '3:1', '4:1', '5:2', '6:2']],
    ['stream', `?${UNTIL_END}`, ['5:2', '6:2']],
    ['stream', `?${UNTIL_END}&superseded=true`, ['3:1', '4:1', '5:2', '6:2']],
  ])('appears in %s%s with the expected attempts', async (route, query, expected) => {
    const { ask } = await createHistory();
    const answer = await ask(route, query);
    expect(answer.status).toBe(200);
    expect(eventsIn(answer).map(placeOf)).toEqual(expected);
  });

  it('appears in the CSV export with the attempt of each event', async () => {
    const { ask } = await createHistory();
    const [names = [], ...rows] = readCsv((await ask('export', '?format=csv&superseded=true')).text);
    expect(rows.map((row) => row[names.indexOf('attempt')])).toEqual(['1', '1', '1', '1', '2', '2']);
    const [, ...winning] = readCsv((await ask('export', '?format=csv')).text);
    expect(winning).toHaveLength(4);
  });

  it.each<Route>(['list', 'export', 'stream'])(
    'is not shown by %s with the invalid superseded=maybe',
    async (route) => {
      const { ask } = await createHistory();
      const { status, contentType, text } = await ask(route, '?superseded=maybe');
      expect([status, contentType]).toEqual([400, 'application/json']);
      expect(JSON.parse(text)).toEqual({ error: 'Invalid superseded: expected true or false' });
    },
  );

  it('has ended for a reader of its latest end, but not for a reader of an earlier one', async () => {
    const { ask } = await createHistory();
    expect((await ask('stream', `?${UNTIL_END}&after=6`)).status).toBe(204);
    const answer = await ask('stream', `?${UNTIL_END}&after=4`);
    expect(parseSse(answer.text).events.map(({ event }) => event)).toEqual(['superseded', 'stream', 'final']);
  });
});

describe('an unreachable store', () => {
  it.each<[Route, string]>([
    ['list', ''],
    ['list', '?after=1&wait=30'],
    ['list', `?correlation_id=${runId(1)}`],
    ['stream', ''],
    ['stream', '?from=now'],
    ['stream', '?after=1'],
    ['stream', `?${UNTIL_END}`],
    ['export', ''],
    ['export', '?format=csv'],
    ['threads', ''],
  ])('is reported by %s%s, and never looks like an empty thread', async (route, query) => {
    const { store, threadIndex, ask } = createRoutes();
    await threadIndex.touch(thread, { message: 'Hi', status: 'completed', at: new Date() });
    await appendEvents(store, [streamEvent(), finalEvent()]);
    store.hooks.before = unreachable;
    const { status, headers, text } = await ask(route, query);
    expect(status).toBe(503);
    expect(headers.get('content-type')).toBe('application/json');
    expect(headers.get('retry-after')).toBe('2');
    expect(JSON.parse(text)).toEqual({ error: 'The storage cannot be reached. Try again in a moment.' });
  });

  it('is not reported for a programming error, which a retry cannot fix', async () => {
    const { store, ask } = createRoutes();
    store.hooks.before = () => {
      throw new TypeError('There is a mistake in the store.');
    };
    const { status, headers, text } = await ask('list', '');
    expect([status, headers.get('retry-after')]).toEqual([500, null]);
    expect(text).not.toContain('mistake');
  });

  it('is reported to a long poll that is waiting', async () => {
    const { store, ask } = createRoutes();
    await appendEvents(store, [streamEvent()]);
    failAfter(store, 1);
    const answer = ask('list', '?after=1&wait=30');
    await new Promise(setImmediate);
    await writerFor(store).stream('another');
    const { status, text } = await answer;
    expect([status, text]).toEqual([503, expect.stringContaining('error')]);
  });

  it('does not end the stream of a reader that reconnects', async () => {
    const { store, ask } = createRoutes();
    await appendEvents(store, [streamEvent(), finalEvent()]);
    const { epoch } = (await store.list(thread)).next;
    const outage = [1, 2];
    store.hooks.before = () => outage.pop() !== undefined && unreachable();
    const { status, text } = await ask('stream', `?${UNTIL_END}`, { 'last-event-id': `${epoch}-1` });
    expect(status).toBe(200);
    expect(text).toMatch(new RegExp(`^id: ${epoch}-1\nretry: 1000\n\n: still here\n\n`));
    expect(parseSse(text).events.map(({ id, event }) => [id, event])).toEqual([[`${epoch}-2`, 'final']]);
  });

  it('ends a running export after the events that were read, and the last line says so', async () => {
    const { store, ask } = createRoutes();
    await appendEvents(
      store,
      Array.from({ length: 501 }, () => streamEvent()),
    );
    failAfter(store, 1);
    const lines = eventsIn(await ask('export'));
    expect(lines.slice(0, -1).map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: 500 }, (_, index) => index + 1),
    );
    expect(lines.at(-1)).toEqual({
      event_type: 'incomplete',
      error_message: 'The export is incomplete: reading the events failed.',
    });
  });
});

/** 600 events of a run, which is delivered again as soon as an export has read the first of them. */
async function createExportedRun() {
  const routes = createRoutes();
  await appendEvents(
    routes.store,
    Array.from({ length: 600 }, () => streamEvent('half an answer')),
  );
  routes.store.hooks.after = async (method) => {
    if (method !== 'list') return;
    routes.store.hooks.after = undefined;
    await writerFor(routes.store).append(streamEvent('whole'), finalEvent('whole'));
  };
  return routes;
}

describe('an export of a run that is redelivered meanwhile', () => {
  it('ends with an "incomplete" line once the attempt is superseded', async () => {
    const { ask } = await createExportedRun();
    const lines = eventsIn(await ask('export'));
    expect(lines).toHaveLength(501);
    expect(lines.at(-1)).toEqual({
      event_type: 'incomplete',
      error_message: 'The export is incomplete: a new attempt of this run has started. Export again.',
      correlation_id: runId(1),
      attempt: 1,
    });
    expect(eventsIn(await ask('export')).map(placeOf)).toEqual(['601:2', '602:2']);
  });

  it('ends the same way as CSV', async () => {
    const { ask } = await createExportedRun();
    const [names = [], ...rows] = readCsv((await ask('export', '?format=csv')).text);
    const last = Object.fromEntries(names.map((name, column) => [name, rows.at(-1)?.[column]]));
    expect(last).toMatchObject({ event_type: 'incomplete', correlation_id: runId(1), attempt: '1' });
  });

  it('is complete if superseded attempts are included', async () => {
    const { ask } = await createExportedRun();
    const lines = eventsIn(await ask('export', '?superseded=true'));
    expect(lines.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 602 }, (_, index) => index + 1));
  });
});

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

describe('the cost of an answer', () => {
  it('is one head read for an up-to-date reader', async () => {
    const { store, ask } = createRoutes();
    for (let count = 0; count < 3; count += 1) {
      await appendEvents(
        store,
        Array.from({ length: 1000 }, () => streamEvent()),
      );
    }
    const first = await ask('list');
    const reads: string[] = [];
    store.hooks.before = (method) => void reads.push(method);
    const again = await ask('list', '', { 'if-none-match': first.headers.get('etag') ?? '' });
    expect([again.status, again.text]).toEqual([304, '']);
    expect(again.headers.get('x-next-cursor')).toBe(first.headers.get('x-next-cursor'));
    expect(reads).not.toContain('list');
  });

  it('is one small read per change for a filtered long poll, however long the thread is', async () => {
    const { store, ask } = createRoutes();
    await appendEvents(
      store,
      Array.from({ length: 3000 }, () => streamEvent()),
    );
    const answer = ask('list', `?correlation_id=${runId(2)}&wait=30`);
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    const before = store.calls.filter((method) => method === 'list').length;
    for (let count = 0; count < 5; count += 1) {
      await appendEvents(store, [streamEvent()]);
      await new Promise(setImmediate);
    }
    const reads = store.calls.filter((method) => method === 'list').length - before;
    // Appending starts an attempt, which is a change too.
    expect(reads).toBeLessThanOrEqual(10);
    await appendEvents(store, [streamEvent('at last')], { run: 2 });
    expect(eventsIn(await answer)).toMatchObject([{ text: 'at last' }]);
  });

  it('is limited: 503 while other large answers are being sent', async () => {
    const { store, ask, open } = createRoutes({ maxTotalBytes: 3_000_000 });
    await appendEvents(
      store,
      Array.from({ length: 20 }, () => streamEvent('x'.repeat(100_000))),
    );
    const first = await open('list');
    const refused = await ask('list');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '2']);
    expect(JSON.parse(await first.text())).toHaveLength(20);
    expect((await ask('list')).status).toBe(200);
  });

  it('is limited: 413 if it would be too large, while pages still work', async () => {
    const { store, ask } = createRoutes({ maxAnswerBytes: 50_000 });
    await appendEvents(
      store,
      Array.from({ length: 20 }, () => streamEvent('x'.repeat(10_000))),
    );
    const refused = await ask('list');
    expect([refused.status, JSON.parse(refused.text).error]).toEqual([413, expect.stringContaining('?limit=1000')]);
    expect(eventsIn(await ask('list', '?limit=1000'))).toHaveLength(20);
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

describe('an export of a thread that is cleared meanwhile', () => {
  it.each(['jsonl', 'csv'])('says in its last line that it is incomplete: %s', async (format) => {
    const { store, ask } = createRoutes();
    await appendEvents(
      store,
      Array.from({ length: 1200 }, () => streamEvent()),
    );
    store.hooks.after = async (method) => {
      if (method !== 'list') return;
      store.hooks.after = undefined;
      await store.clear(thread);
      await appendEvents(store, [streamEvent('after the clear')]);
    };
    const { text } = await ask('export', `?format=${format}`);
    const lines = format === 'csv' ? readCsv(text).slice(1) : text.trimEnd().split('\n');
    expect(lines).toHaveLength(501);
    expect(text).not.toContain('after the clear');
    expect(text.trimEnd().split('\n').at(-1)).toContain('incomplete');
  });
});

describe('a CSV export', () => {
  it('starts with a byte order mark on request', async () => {
    const { ask } = createRoutes();
    const bytes = new Uint8Array(await (await createRoutes().open('export', '?format=csv&bom=true')).arrayBuffer());
    expect([...bytes.subarray(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
    expect((await ask('export', '?format=csv')).text.startsWith('sequence,')).toBe(true);
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
