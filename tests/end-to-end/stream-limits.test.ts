import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { CallbackEvent } from '../../src/audit/callback-event.js';
import { newThreadId, streamEvents, uncommitted } from '../support/agent-api.js';
import { type AppWithModel, startAppWithModel } from '../support/app-with-model.js';
import { echoed } from '../support/echoed.js';
import type { SseConnection } from '../support/sse-connection.js';

const SECONDS = 2;
const SLOW = { pieces: Array.from({ length: 100 }, (_, index) => `${index} 🌦️ `), pauseMs: 50 };

describe('streams under limits', { timeout: 60_000 }, () => {
  let target: AppWithModel;

  beforeAll(async () => {
    target = await startAppWithModel((message) => (message === 'slow' ? SLOW : echoed(message)), {
      CALLBACK_STREAM_MAX_SECONDS: String(SECONDS),
      CALLBACK_STREAM_MAX_BYTES: '8000',
      CALLBACK_STREAM_MAX_OPEN: '5',
      CALLBACK_STREAM_MAX_OPEN_PER_THREAD: '2',
    });
  });

  afterAll(() => target.stop());

  /** Opens a stream as soon as there is room for it. */
  function openWhenThereIsRoom(threadId: string): Promise<SseConnection> {
    return vi.waitFor(
      async () => {
        const reader = await target.api.stream(threadId);
        if (reader.status !== 200) throw new Error(`Status ${reader.status}`);
        return reader;
      },
      { timeout: 10_000, interval: 100 },
    );
  }

  /** Waits until all streams of a test are closed, of readers who have left too. */
  const untilAllAreClosed = () =>
    vi.waitFor(
      async () => {
        const readers = await Promise.all([1, 2, 3, 4, 5].map(() => target.api.stream(newThreadId())));
        for (const reader of readers) reader.leave();
        expect(readers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
        await Promise.all(readers.map(({ ended }) => ended));
      },
      // A look takes places itself, which have to be free again before the next one.
      { timeout: 30_000, interval: (SECONDS + 2) * 1000 },
    );

  it('end after their time and after so many bytes, and their reader goes on without loss', async () => {
    const threadId = newThreadId();
    await target.api.run({ message: 'slow', thread_id: threadId, wait_for_response: false });
    const seen: CallbackEvent[] = [];
    const sizes: number[] = [];
    let lastId = '';
    while (seen.at(-1)?.event_type !== 'final') {
      const reader = await target.api.stream(threadId, '', { 'last-event-id': lastId });
      expect(reader.status).toBe(200);
      await reader.ended;
      expect(reader.names).not.toContain('reset');
      seen.push(...reader.events);
      sizes.push(Buffer.byteLength(reader.text));
      lastId = reader.received.lastId ?? lastId;
    }
    expect(uncommitted(seen)).toEqual(uncommitted(await target.api.events(threadId)));
    expect(streamEvents(seen)).toHaveLength(100);
    expect(sizes.length).toBeGreaterThan(3);
    // The event that crosses the limit is still sent; the final one holds the whole answer.
    expect(Math.max(...sizes)).toBeLessThan(8000 + 3000);
  }, 60_000);

  it('end after their time when nothing happens', async () => {
    const started = performance.now();
    const reader = await openWhenThereIsRoom(newThreadId());
    await reader.ended;
    expect(reader.received.events).toEqual([]);
    expect(performance.now() - started).toBeGreaterThan(SECONDS * 500);
  });

  it('of one thread are refused beyond their number, with the time to wait', async () => {
    const threadId = newThreadId();
    const readers = [await openWhenThereIsRoom(threadId), await openWhenThereIsRoom(threadId)];
    const refused = await target.api.stream(threadId);
    expect(refused).toMatchObject({
      status: 503,
      headers: { 'content-type': 'application/json', 'retry-after': '5' },
    });
    await refused.ended;
    expect(JSON.parse(refused.text)).toEqual({ error: expect.stringContaining('at most 2 of one thread') });
    const other = await target.api.stream(newThreadId());
    expect(other.status).toBe(200);
    for (const reader of [...readers, other]) reader.leave();
  });

  it('in all are refused beyond their number, also to one who asks to run an agent, which is not run then', async () => {
    await untilAllAreClosed();
    const readers: SseConnection[] = [];
    for (let count = 0; count < 5; count += 1) readers.push(await openWhenThereIsRoom(newThreadId()));
    expect(await target.api.stream(newThreadId())).toMatchObject({ status: 503 });
    const asked = target.model.requests.length;
    const threadId = newThreadId();
    const run = await target.api.streamRun({ message: 'Hello', thread_id: threadId });
    expect(run).toMatchObject({ status: 503, headers: { 'retry-after': '5', 'content-type': 'application/json' } });
    expect(target.model.requests).toHaveLength(asked);
    expect(await target.api.events(threadId)).toEqual([]);
    for (const reader of readers) reader.leave();
  }, 40_000);

  it('make room again when their reader has left, though the host does not tell', async () => {
    await untilAllAreClosed();
    const threadId = newThreadId();
    for (let count = 0; count < 2; count += 1) (await openWhenThereIsRoom(threadId)).leave();
    const reader = await openWhenThereIsRoom(threadId);
    await target.api.ask(threadId, 'Hello');
    await reader.until(({ names }) => names.includes('final'));
    reader.leave();
    expect(uncommitted(reader.events)).toEqual(uncommitted(await target.api.events(threadId)));
  }, 40_000);
});
