import { afterEach, describe, expect, it } from 'vitest';
import { SSE_HEARTBEAT } from '../../src/functions/sse.js';
import { newThreadId } from '../support/agent-api.js';
import { type AppWithModel, startAppWithModel } from '../support/app-with-model.js';
import { echoed } from '../support/echoed.js';

async function cursorOf({ api }: AppWithModel, threadId: string, query = ''): Promise<string> {
  return String((await api.poll(threadId, query)).headers['x-next-cursor']);
}

/** Reads from a cursor by polling and by streaming, which must agree. */
async function expectReset({ api }: AppWithModel, threadId: string, cursor: string): Promise<void> {
  const kept = await api.events(threadId);
  const polled = await api.poll(threadId, `?after=${cursor}`);
  expect(polled.headers).toMatchObject({ 'x-cursor-reset': 'true' });
  expect(JSON.parse(polled.text)).toEqual(kept);
  const reader = await api.stream(threadId, '', { 'last-event-id': cursor });
  await reader.until(({ names, events }) => names.includes('reset') && events.length === kept.length);
  reader.leave();
  const [reset] = reader.received.events;
  expect(reset?.event).toBe('reset');
  expect(JSON.parse(reset?.data ?? '')).toEqual({ oldest_sequence: kept[0]?.sequence ?? 1 });
  expect(reader.events).toEqual(kept);
}

describe('a reader whose events were lost', () => {
  const started: AppWithModel[] = [];

  async function start(environment: Readonly<Record<string, string>> = {}): Promise<AppWithModel> {
    const target = await startAppWithModel(echoed, environment);
    started.push(target);
    return target;
  }

  afterEach(async () => {
    for (const target of started.splice(0)) await target.stop();
  });

  it('gets a reset when the oldest events were dropped', async () => {
    const target = await start({ CALLBACK_STORE_MAX_EVENTS_PER_THREAD: '6' });
    const threadId = newThreadId();
    await target.api.ask(threadId, 'Hello');
    const cursor = await cursorOf(target, threadId, '?limit=1');
    const newest = await cursorOf(target, threadId);
    await target.api.ask(threadId, 'Hello again, with a longer message than before');
    expect((await target.api.events(threadId))[0]?.sequence).toBeGreaterThan(6);
    await expectReset(target, threadId, cursor);
    const kept = await cursorOf(target, threadId, '?limit=2');
    const polled = await target.api.poll(threadId, `?after=${kept}`);
    expect(polled.headers).not.toHaveProperty('x-cursor-reset');
    expect(JSON.parse(polled.text)).toHaveLength(4);
    await expectReset(target, threadId, newest);
  });

  it('gets a reset while it waits when its whole thread is dropped, and follows the new log', async () => {
    const target = await start({ CALLBACK_STORE_MAX_THREADS: '1' });
    const threadId = newThreadId();
    await target.api.ask(threadId, 'Hello');
    const cursor = await cursorOf(target, threadId);
    const reader = await target.api.stream(threadId);
    await reader.until(({ names }) => names.includes('final'));
    const poll = target.api.poll(threadId, `?after=${cursor}&wait=30`);
    await target.api.ask(newThreadId(), 'Hello');
    await reader.until(({ names }) => names.at(-1) === 'reset');
    // The reset arrives at once instead of at the next poll.
    expect(reader.text).not.toContain(SSE_HEARTBEAT);
    expect(await poll).toMatchObject({ text: '[]', headers: { 'x-cursor-reset': 'true' } });
    expect(reader.received.lastId).toBe('0');
    const seenBefore = reader.events.length;
    await target.api.ask(threadId, 'Hello');
    await reader.until(({ names }) => names.at(-1) === 'final');
    reader.leave();
    expect(reader.events.slice(seenBefore)).toEqual(await target.api.events(threadId));
    expect(reader.events[seenBefore]?.sequence).toBe(1);
    expect(await cursorOf(target, threadId)).not.toBe(cursor);
    await expectReset(target, threadId, cursor);
  });

  it('gets a reset after a restart of the app, whether or not the thread has new events', async () => {
    const before = await start();
    const threadId = newThreadId();
    await before.api.ask(threadId, 'Hello');
    const cursor = await cursorOf(before, threadId);
    await before.stop();
    started.length = 0;

    const after = await start();
    await expectReset(after, threadId, cursor);
    await after.api.ask(threadId, 'Hello');
    expect(await cursorOf(after, threadId)).not.toBe(cursor);
    await expectReset(after, threadId, cursor);
  });
});
