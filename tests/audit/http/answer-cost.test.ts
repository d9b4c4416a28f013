import { describe, expect, it } from 'vitest';
import { appendEvents } from '../../support/append-events.js';
import { runId, streamEvent } from '../../support/callback-events.js';
import { createRoutes, eventsIn } from './event-routes.js';

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
    // Each append is two changes, because it also starts an attempt.
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
