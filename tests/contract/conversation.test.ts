import { expect, it } from 'vitest';
import { newThreadId } from '../support/agent-api.js';
import { describeTargets } from './contract-target.js';

describeTargets('GET agents/{agent}/threads/{thread_id}', (api) => {
  async function read(threadId: string, query = '') {
    const path = `agents/CallbackAgent/threads/${encodeURIComponent(threadId)}${query}`;
    const { status, headers, text } = await api.call('GET', path);
    return { status, headers, json: JSON.parse(text) };
  }

  it('returns the messages, even after the events were cleared', async () => {
    const threadId = `${newThreadId()} Jürgen`;
    const first = await api.ask(threadId, 'Hello');
    await api.ask(threadId, 'Hello again');
    await api.callbacks('DELETE', threadId);

    const { status, headers, json } = await read(threadId);

    expect([status, headers['cache-control']]).toEqual([200, 'no-store']);
    expect(json).toMatchObject({
      thread_id: threadId,
      session_id: threadId,
      agent_name: 'CallbackAgent',
      message_count: 4,
      messages: [
        { role: 'user', text: 'Hello', correlation_id: first.correlation_id, status: 'ok' },
        { role: 'assistant', text: first.response, correlation_id: first.correlation_id, author: 'CallbackAgent' },
        { role: 'user', text: 'Hello again' },
        { role: 'assistant' },
      ],
    });
    expect(json.created_at).toBe(json.messages[0].created_at);
  });

  it('pages from the end', async () => {
    const threadId = newThreadId();
    for (let turn = 1; turn <= 3; turn += 1) await api.ask(threadId, `Turn ${turn}`);

    const last = await read(threadId, '?limit=4');
    const first = await read(threadId, `?limit=4&before=${String(last.headers['x-next-cursor'])}`);

    const asked = [...first.json.messages, ...last.json.messages].filter(({ role }) => role === 'user');
    expect(asked.map(({ text }) => text)).toEqual(['Turn 1', 'Turn 2', 'Turn 3']);
    expect([last.headers['x-has-more'], first.headers['x-has-more']]).toEqual(['true', 'false']);
  });

  it('returns 404 for a thread that never ran', async () => {
    expect(await read(newThreadId())).toMatchObject({ status: 404, json: { error: expect.any(String) } });
  });
});
