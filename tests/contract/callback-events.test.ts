import { describe, expect, it } from 'vitest';
import type { CallbackEvent } from '../../src/audit/domain/callback-event.js';
import { type AnsweredRun, finalEvents, newThreadId, streamEvents } from '../support/agent-api.js';
import { contractApi } from './contract-target.js';

const RUN_KEYS = ['timestamp', 'agent_name', 'thread_id', 'correlation_id', 'request_message', 'event_type'];

function sequencesOf(events: readonly CallbackEvent[]): number[] {
  return events.map(({ sequence }) => sequence);
}

describe('GET agents/{agent}/callbacks/{thread_id}', () => {
  const api = contractApi();

  async function askOnce(message = 'Weather in 東京? 🌦️🌦️🌦️🌦️'): Promise<AnsweredRun & { events: CallbackEvent[] }> {
    const answered = await api.ask(newThreadId(), message);
    return { ...answered, events: await api.events(answered.thread_id) };
  }

  it('returns no events for an unknown thread', async () => {
    expect(await api.callbacks('GET', newThreadId())).toMatchObject({
      status: 200,
      headers: { 'content-type': 'application/json' },
      text: '[]',
    });
  });

  it('returns the updates of a run, with these keys first, then its answer', async () => {
    const { events } = await askOnce();
    const updates = streamEvents(events);
    expect(updates.length).toBeGreaterThan(0);
    expect(events.map((event) => event.event_type)).toEqual([...updates.map(() => 'stream'), 'final']);
    for (const update of updates) {
      expect(Object.keys(update).slice(0, 8)).toEqual([...RUN_KEYS, 'update_kind', 'text']);
      expect(['text', 'reasoning', 'tool_call', 'tool_result']).toContain(update.update_kind);
      expect(update.text).not.toBe('');
    }
    expect(Object.keys(events.at(-1) ?? {}).slice(0, 8)).toEqual([...RUN_KEYS, 'response_text', 'usage']);
  });

  it('names the run of each event', async () => {
    const { thread_id, correlation_id, message, events } = await askOnce();
    for (const event of events) {
      expect(event).toMatchObject({
        agent_name: 'CallbackAgent',
        thread_id,
        correlation_id,
        request_message: message,
      });
    }
  });

  it('returns the oldest event first, with UTC timestamps to the millisecond', async () => {
    const started = new Date().toISOString();
    const { events } = await askOnce();
    const times = events.map(({ timestamp }) => timestamp);
    expect(times).toEqual(times.map((time) => new Date(time).toISOString()).toSorted());
    // The clocks of two machines may differ by a minute.
    expect(Math.abs(Date.parse(times[0] ?? '') - Date.parse(started))).toBeLessThan(60_000);
  });

  it('numbers the events of a thread from 1 without gaps, across runs', async () => {
    const { thread_id: threadId, events } = await askOnce();
    await api.ask(threadId, 'And tomorrow?');
    const all = await api.events(threadId);
    expect(sequencesOf(all)).toEqual(all.map((_event, index) => index + 1));
    expect(all.slice(0, events.length)).toEqual(events);
  });

  it('returns update texts that join to the response, without splitting a character', async () => {
    const { response, events } = await askOnce();
    const texts = streamEvents(events).flatMap((event) => (event.update_kind === 'text' ? [event.text] : []));
    expect(texts.join('')).toBe(response);
    expect(finalEvents(events)).toMatchObject([{ response_text: response }]);
    expect(texts.filter((text) => !text.isWellFormed() || text.includes('\uFFFD'))).toEqual([]);
  });

  it('returns the usage that the model reported, or null', async () => {
    const { events } = await askOnce();
    const [final] = finalEvents(events);
    expect(JSON.stringify(final?.usage)).toMatch(
      /^null$|^\{"type":"usage_details","input_token_count":\d+,"output_token_count":\d+,"total_token_count":\d+[,}]/,
    );
  });

  it('ignores the case of the agent name', async () => {
    const { thread_id: threadId, events } = await askOnce();
    const answer = await api.callbacks('GET', threadId, 'CALLBACKAGENT');
    expect(JSON.parse(answer.text)).toEqual(events);
  });

  it('reads agent and thread from the path, not from the query', async () => {
    const { thread_id: threadId, events } = await askOnce();
    const path = `agents/CallbackAgent/callbacks/${threadId}?thread_id=other&agentName=UnknownAgent`;
    expect(JSON.parse((await api.call('GET', path)).text)).toEqual(events);
  });

  it('accepts a thread id with every allowed character', async () => {
    const { thread_id: threadId } = await api.ask(`${newThreadId()}._~:@=+-`, 'Hello');
    expect((await api.events(threadId)).at(-1)).toMatchObject({ event_type: 'final', thread_id: threadId });
  });
});

describe('DELETE agents/{agent}/callbacks/{thread_id}', () => {
  const api = contractApi();

  it('removes the events of a thread, and is idempotent', async () => {
    const { thread_id: threadId } = await api.ask(newThreadId(), 'Hello');
    for (let time = 0; time < 2; time += 1) {
      const answer = await api.callbacks('DELETE', threadId);
      expect(answer).toMatchObject({ status: 204, text: '' });
      expect(await api.events(threadId)).toEqual([]);
    }
  });

  it('does nothing for an unknown thread', async () => {
    expect(await api.callbacks('DELETE', newThreadId())).toMatchObject({ status: 204, text: '' });
  });

  it('keeps the conversation, and continues the sequence numbers', async () => {
    const { thread_id: threadId } = await api.ask(newThreadId(), 'Hello');
    const before = await api.events(threadId);
    await api.callbacks('DELETE', threadId);
    expect(await api.ask(threadId, 'Hello again')).toMatchObject({ message_count: 4 });
    const after = await api.events(threadId);
    expect(sequencesOf(after)).toEqual(after.map((_event, index) => before.length + index + 1));
  });

  it('does not affect other threads', async () => {
    const [cleared, kept] = await Promise.all([1, 2].map(() => api.ask(newThreadId(), 'Hello')));
    await api.callbacks('DELETE', cleared?.thread_id ?? '');
    expect(finalEvents(await api.events(kept?.thread_id ?? ''))).toHaveLength(1);
  });
});

describe.each(['GET', 'DELETE'])('%s agents/{agent}/callbacks/{thread_id}', (method) => {
  const api = contractApi();

  it('returns 404 for an unregistered agent', async () => {
    const answer = await api.callbacks(method, newThreadId(), 'UnknownAgent');
    expect(answer).toMatchObject({ status: 404, headers: { 'content-type': 'application/json' } });
    expect(JSON.parse(answer.text)).toEqual({ error: expect.stringContaining('UnknownAgent') });
  });

  it.each(['a%5Cb', '%20a', 'a%0Ab', 'a%C2%85b', 'a'.repeat(129)])('refuses the thread id %s', async (id) => {
    const answer = await api.call(method, `agents/CallbackAgent/callbacks/${id}`);
    expect(answer).toMatchObject({ status: 400, headers: { 'content-type': 'application/json' } });
    expect(JSON.parse(answer.text)).toEqual({ error: expect.stringMatching(/^Invalid thread_id: /) });
  });
});
