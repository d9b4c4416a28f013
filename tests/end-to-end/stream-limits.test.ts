import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CallbackEvent } from '../../src/audit/domain/callback-event.js';
import { newThreadId, streamEvents } from '../support/agent-api.js';
import { type AppWithModel, startAppWithModel } from '../support/app-with-model.js';
import { echoed } from '../support/echoed.js';
import { eventually } from '../support/eventually.js';
import { readToFinal } from '../support/read-to-final.js';
import type { SseConnection } from '../support/sse-connection.js';

const SECONDS = 2;
const NUMBERS = { CALLBACK_STREAM_MAX_OPEN: '5', CALLBACK_STREAM_MAX_OPEN_PER_THREAD: '2' };
const SLOW = { pieces: Array.from({ length: 100 }, (_, index) => `${index} 🌦️ `), pauseMs: 50 };

describe('streams under limits', () => {
  let target: AppWithModel;

  beforeAll(async () => {
    target = await startAppWithModel((message) => (message === 'slow' ? SLOW : echoed(message)), {
      ...NUMBERS,
      CALLBACK_STREAM_MAX_SECONDS: String(SECONDS),
      CALLBACK_STREAM_MAX_BYTES: '8000',
    });
  });

  afterAll(() => target.stop());

  /** Opens a stream as soon as a slot is free. */
  function openWhenThereIsRoom(threadId: string): Promise<SseConnection> {
    return eventually(async () => {
      const reader = await target.api.stream(threadId);
      if (reader.status !== 200) throw new Error(`Status ${reader.status}`);
      return reader;
    });
  }

  it('end after their time or byte limit, and their reader resumes without loss', async () => {
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
    expect(seen).toEqual(await target.api.events(threadId));
    expect(streamEvents(seen)).toHaveLength(100);
    expect(sizes.length).toBeGreaterThan(3);
    // The event that exceeds the limit is still sent. The final event contains the whole answer.
    expect(Math.max(...sizes)).toBeLessThan(8000 + 3000);
  });

  it('end after their time limit if nothing happens', async () => {
    const started = performance.now();
    const reader = await openWhenThereIsRoom(newThreadId());
    await reader.ended;
    expect(reader.received.events).toEqual([]);
    expect(performance.now() - started).toBeGreaterThan(SECONDS * 500);
  });

  it('free their slot after their reader disconnects, although the host does not report it', async () => {
    const threadId = newThreadId();
    for (let count = 0; count < 2; count += 1) (await openWhenThereIsRoom(threadId)).leave();
    const reader = await openWhenThereIsRoom(threadId);
    await target.api.ask(threadId, 'Hello');
    const seen = await readToFinal(target.api, threadId, reader);
    expect(seen).toEqual(await target.api.events(threadId));
  });
});

describe('open streams', () => {
  let target: AppWithModel;

  beforeAll(async () => {
    target = await startAppWithModel(echoed, NUMBERS);
  });

  afterAll(() => target.stop());

  it('end in favour of new ones above the limit per thread and in total, also in favour of that of a run', async () => {
    const { api } = target;
    const threadId = newThreadId();
    const readers = [await api.stream(threadId), await api.stream(threadId)];
    readers.push(await api.stream(threadId));
    await readers[0]?.ended;
    for (let count = 0; count < 3; count += 1) readers.push(await api.stream(newThreadId()));
    readers.push(await api.stream(newThreadId()));
    await readers[1]?.ended;
    const run = await api.streamRun({ message: 'Hello', thread_id: newThreadId() });
    await readers[2]?.ended;
    await run.ended;
    expect([...readers, run].map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
    expect(run.names.at(-1)).toBe('result');
    for (const reader of readers) reader.leave();
  });
});
