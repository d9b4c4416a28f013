import { describe, expect, it } from 'vitest';
import { appendEvents, writerFor } from '../../support/append-events.js';
import { finalEvent, runId, streamEvent, thread } from '../../support/callback-events.js';
import { unreachable } from '../../support/hooked-event-store.js';
import { parseSse } from '../../support/sse-events.js';
import type { Route } from './event-routes.js';
import { createRoutes, failAfter, eventsIn, UNTIL_END } from './event-routes.js';

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
