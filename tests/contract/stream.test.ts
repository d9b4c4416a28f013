import { describe, expect, it } from 'vitest';
import { finalEvents, newThreadId } from '../support/agent-api.js';
import { contractApi } from './contract-target.js';
import { callbackEventsOf } from '../support/sse-events.js';

const untilEndOf = (correlationId: string) => `?until=run-end&correlation_id=${correlationId}`;

describe('GET agents/{agent}/callbacks/{thread_id}/stream', () => {
  const api = contractApi();

  async function asked(runCount = 1) {
    const threadId = newThreadId();
    let correlationId = '';
    for (let run = 0; run < runCount; run += 1) {
      correlationId = (await api.ask(threadId, 'Weather in 東京? 🌦️')).correlation_id;
    }
    return { threadId, correlationId, events: await api.events(threadId) };
  }

  it('sends the JSON of a poll, each request message once, with cursors as ids and event types as names', async () => {
    const { threadId, events } = await asked();
    const reader = await api.stream(threadId);
    expect(reader.status).toBe(200);
    expect(reader.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store, no-transform',
    });
    await reader.until(({ events: seen }) => seen.length === events.length);
    reader.leave();
    const once = await api.poll(threadId, '?request_message=once');
    const cursor = String(once.headers['x-next-cursor']);
    const epoch = cursor.slice(0, cursor.lastIndexOf('-'));
    expect(`[${reader.received.events.map(({ data }) => data).join(',')}]`).toBe(once.text);
    expect(reader.received.events.map(({ id, event }) => [id, event])).toEqual(
      events.map((event) => [`${epoch}-${event.sequence}`, event.event_type]),
    );
    expect(reader.events).toEqual(events);
    expect(reader.received.retryMs).toBe(1000);
  });

  it('streams a thread from its first event while its run continues', async () => {
    const threadId = newThreadId();
    const reader = await api.stream(threadId);
    await api.ask(threadId, 'Hello');
    await reader.until(({ names }) => names.includes('final'));
    reader.leave();
    expect(reader.events).toEqual(await api.events(threadId));
  });

  it('resumes after Last-Event-ID, which takes precedence over ?after=', async () => {
    const { threadId, correlationId, events } = await asked();
    const cursor = (place: number) =>
      api.poll(threadId, `?limit=${place}`).then(({ headers }) => String(headers['x-next-cursor']));
    const query = `${untilEndOf(correlationId)}&after=${await cursor(2)}`;
    const withId = await api.stream(threadId, query, { 'last-event-id': await cursor(4) });
    const without = await api.stream(threadId, query);
    const withEmptyId = await api.stream(threadId, query, { 'last-event-id': '' });
    await Promise.all([withId.ended, without.ended, withEmptyId.ended]);
    expect(withId.events).toEqual(events.slice(4));
    expect(without.events).toEqual(events.slice(2));
    expect(withEmptyId.events).toEqual(events.slice(2));
  });

  it('starts after the newest event with from=now', async () => {
    const { threadId, events } = await asked();
    const reader = await api.stream(threadId, '?from=now');
    await api.ask(threadId, 'And tomorrow?');
    await reader.until(({ names }) => names.includes('final'));
    reader.leave();
    expect(reader.events).toEqual((await api.events(threadId)).slice(events.length));
  });

  it('starts after a DELETE with from=now', async () => {
    const { threadId } = await asked();
    await api.callbacks('DELETE', threadId);
    const reader = await api.stream(threadId, '?from=now');
    await api.ask(threadId, 'And tomorrow?');
    await reader.until(({ names }) => names.includes('final'));
    reader.leave();
    expect(reader.names).not.toContain('reset');
    expect(reader.events).toEqual(await api.events(threadId));
  });

  it('ends after the last event of a run, and tells its reader not to reconnect', async () => {
    const { threadId, correlationId, events } = await asked();
    await api.ask(threadId, 'And tomorrow?');
    const reader = await api.stream(threadId, untilEndOf(correlationId));
    await reader.ended;
    expect(reader.events).toEqual(events);
    const lastId = reader.received.lastId ?? '';
    const again = await api.stream(threadId, untilEndOf(correlationId), { 'last-event-id': lastId });
    expect(again.status).toBe(204);
    await again.ended;
    expect(again.text).toBe('');
    const later = String((await api.poll(threadId)).headers['x-next-cursor']);
    expect(await api.stream(threadId, `${untilEndOf(correlationId)}&after=${later}`)).toMatchObject({ status: 204 });
  });

  it('filters by run', async () => {
    const { threadId, correlationId, events } = await asked(2);
    const reader = await api.stream(threadId, untilEndOf(correlationId));
    await reader.ended;
    expect(reader.events).toEqual(events.filter((event) => event.correlation_id === correlationId));
    expect(finalEvents(reader.events)).toHaveLength(1);
  });

  it.each(['zz-1', '999999'])(
    'resets the cursor %s, which the thread never issued, then sends all events',
    async (id) => {
      const { threadId, events } = await asked();
      const reader = await api.stream(threadId, '', { 'last-event-id': id });
      await reader.until(({ names }) => names.includes('final'));
      reader.leave();
      const [reset, ...others] = reader.received.events;
      expect(reset).toMatchObject({ event: 'reset', data: '{"oldest_sequence":1}', id: expect.stringMatching(/-0$/) });
      expect(callbackEventsOf(others)).toEqual(events);
    },
  );

  it('reports a DELETE, and continues after it', async () => {
    const { threadId, events } = await asked();
    const reader = await api.stream(threadId);
    await reader.until(({ names }) => names.includes('final'));
    await api.callbacks('DELETE', threadId);
    await reader.until(({ names }) => names.includes('reset'));
    expect(JSON.parse(reader.received.events.at(-1)?.data ?? '')).toEqual({ oldest_sequence: events.length + 1 });
    await api.ask(threadId, 'And tomorrow?');
    await reader.until(({ names }) => names.at(-1) === 'final');
    reader.leave();
    expect(reader.events.slice(events.length)).toEqual(await api.events(threadId));
  });

  it.each(['?from=now', '?after=2'])(
    'sends a reader with %s a cursor to resume from before the first event',
    async (query) => {
      const { threadId, events } = await asked();
      const once = await api.poll(threadId, '?request_message=once');
      const cursor = String(once.headers['x-next-cursor']);
      const epoch = cursor.slice(0, cursor.lastIndexOf('-'));
      const reader = await api.stream(threadId, query);
      await reader.until(({ text }) => text.includes('retry: 1000\n\n'));
      reader.leave();
      const place = query === '?from=now' ? events.length : 2;
      expect(reader.text).toMatch(new RegExp(`^id: ${epoch}-${place}\nretry: 1000\n\n`));
    },
  );

  it('resets a reader with an invalid cursor even if the run has ended', async () => {
    const { threadId, correlationId, events } = await asked();
    const reader = await api.stream(threadId, `${untilEndOf(correlationId)}&after=99999`);
    await reader.ended;
    expect(reader.status).toBe(200);
    expect(reader.names[0]).toBe('reset');
    expect(reader.events).toEqual(events);
  });

  it.each([
    ['after', '?after=x', {}],
    ['from', '?from=tomorrow', {}],
    ['until', '?until=later', {}],
    ['correlation_id', '?until=run-end', {}],
    ['correlation_id', '?correlation_id=x', {}],
    ['Last-Event-ID', '', { 'last-event-id': 'x y' }],
  ])('rejects an invalid %s', async (name, query, headers) => {
    const answer = await api.stream(newThreadId(), query, headers);
    expect(answer).toMatchObject({ status: 400, headers: { 'content-type': 'application/json' } });
    await answer.ended;
    expect(JSON.parse(answer.text)).toEqual({ error: expect.stringContaining(`Invalid ${name}: expected `) });
  });
});

describe('POST agents/{agent}/run that accepts server-sent events', () => {
  const api = contractApi();

  it('streams only the events of its run, then its result, and closes', async () => {
    const threadId = newThreadId();
    await api.ask(threadId, 'Hello');
    const before = await api.events(threadId);
    const reader = await api.streamRun({ message: 'Hello again', thread_id: threadId });
    expect(reader).toMatchObject({ status: 200, headers: { 'content-type': 'text/event-stream' } });
    await reader.ended;
    const events = (await api.events(threadId)).slice(before.length);
    expect(reader.events).toEqual(events);
    const last = reader.received.events.at(-1);
    expect(last?.event).toBe('result');
    const [final] = finalEvents(events);
    expect(Object.entries(JSON.parse(last?.data ?? ''))).toEqual([
      ['response', final?.response_text],
      ['message', 'Hello again'],
      ['thread_id', threadId],
      ['status', 'success'],
      ['correlation_id', final?.correlation_id],
      ['message_count', 4],
      ['session_id', threadId],
      ['sessionId', threadId],
      ['correlationId', final?.correlation_id],
      ['messageCount', 4],
    ]);
  });

  it('starts a new thread if the request names none, and reports its id', async () => {
    const reader = await api.streamRun({ message: 'Hello' });
    await reader.ended;
    const { thread_id: threadId } = JSON.parse(reader.received.events.at(-1)?.data ?? '');
    expect(reader.events).toEqual(await api.events(threadId));
  });

  it.each([
    ['no message', {}],
    ['an invalid thread id', { message: 'Hello', thread_id: 'a/b' }],
  ])('rejects %s with a JSON error', async (_what, fields) => {
    const answer = await api.streamRun(fields);
    expect(answer).toMatchObject({ status: 400, headers: { 'content-type': 'application/json' } });
    answer.leave();
  });
});
