import { beforeAll, expect, it } from 'vitest';
import { type AnsweredRun, newThreadId } from '../support/agent-api.js';
import { describeTargets } from './contract-target.js';

const idsOf = (threads: readonly { thread_id: string }[]) => threads.map(({ thread_id: id }) => id);

describeTargets('GET agents/{agent}/threads', (api) => {
  const asked: AnsweredRun[] = [];

  beforeAll(async () => {
    for (let count = 0; count < 5; count += 1) asked.push(await api.ask(newThreadId(), 'Hello'));
  });

  async function list(query = '', agentName = 'CallbackAgent') {
    const { status, headers, text } = await api.call('GET', `agents/${agentName}/threads${query}`);
    return { status, headers, json: JSON.parse(text) };
  }

  const newestFirst = () => idsOf(asked).toReversed();

  /** Only the threads of this file: the host may have others, and other tests add more meanwhile. */
  const ownIdsOf = (threads: readonly { thread_id: string }[]) =>
    idsOf(threads).filter((id) => newestFirst().includes(id));

  it('lists the threads with the latest activity first', async () => {
    const { status, json } = await list('?limit=1000');
    expect(status).toBe(200);
    expect(ownIdsOf(json)).toEqual(newestFirst());
  });

  it('describes each thread', async () => {
    const threadId = asked.at(-1)?.thread_id ?? '';
    const events = await api.events(threadId);
    const thread = (await list('?limit=1000')).json.find(({ thread_id: id }: { thread_id: string }) => id === threadId);
    expect(Object.keys(thread)).toEqual([
      'thread_id',
      'first_event_at',
      'last_event_at',
      'event_count',
      'run_count',
      'failed_run_count',
      'last_event_type',
      'input_token_count',
      'output_token_count',
      'total_token_count',
      'title',
      'status',
      'created_at',
      'last_activity_at',
    ]);
    expect(thread).toMatchObject({
      thread_id: threadId,
      first_event_at: events[0]?.timestamp,
      last_event_at: events.at(-1)?.timestamp,
      event_count: events.length,
      run_count: 1,
      failed_run_count: 0,
      last_event_type: 'final',
      title: 'Hello',
      status: 'completed',
    });
    expect(thread.created_at <= thread.last_activity_at).toBe(true);
    expect(thread.total_token_count).toBe(thread.input_token_count + thread.output_token_count);
  });

  it('pages through the threads', async () => {
    const seen: string[] = [];
    let cursor = '';
    for (;;) {
      const { headers, json } = await list(`?limit=2&cursor=${encodeURIComponent(cursor)}`);
      expect([1, 2]).toContain(json.length);
      seen.push(...ownIdsOf(json));
      cursor = String(headers['x-next-cursor'] ?? '');
      expect(headers['x-has-more']).toBe(String(cursor !== ''));
      if (cursor === '' || seen.length >= asked.length) break;
    }
    expect(seen).toEqual(newestFirst());
  });

  const find = async (threadId: string, query = '') =>
    (await list(`?limit=1000${query}`)).json.filter(({ thread_id: id }: { thread_id: string }) => id === threadId);

  it('keeps a thread whose events were cleared, and omits one that was deleted', async () => {
    const { thread_id: threadId } = await api.ask(newThreadId(), 'Hello');
    await api.callbacks('DELETE', threadId);
    expect(await find(threadId)).toMatchObject([{ event_count: 0, last_event_at: null, status: 'completed' }]);
    await api.call('DELETE', `agents/CallbackAgent/threads/${threadId}`);
    expect(await find(threadId)).toEqual([]);
  });

  it('filters by status, time, and text in id or title', async () => {
    const { thread_id: threadId } = await api.ask(newThreadId(), 'What about Übermorgen?');
    const [{ last_activity_at: at }] = await find(threadId);
    const later = new Date(Date.parse(at) + 1).toISOString();
    const shown = ['&status=completed', '&q=%C3%BCBERMORGEN', `&q=${threadId}`, `&since=${at}`, `&until=${later}`];
    for (const query of shown) expect(await find(threadId, query)).toHaveLength(1);
    for (const query of ['&status=failed', '&q=no-such-text', `&since=${later}`, `&until=${at}`]) {
      expect(await find(threadId, query)).toEqual([]);
    }
  });

  it('ignores the case of the agent name, and returns 404 for an unregistered agent', async () => {
    expect(ownIdsOf((await list('?limit=1000', 'CALLBACKAGENT')).json)).toEqual(newestFirst());
    expect(await list('', 'UnknownAgent')).toMatchObject({ status: 404, json: { error: expect.any(String) } });
  });

  it.each([
    ['limit', '0', 'from 1 to 1000'],
    ['limit', 'all', 'from 1 to 1000'],
    ['cursor', 'x', 'x-next-cursor'],
    ['status', 'done', 'queued or running'],
    ['since', 'yesterday', 'a time'],
  ])('rejects %s=%s and says what it expects', async (name, value, expected) => {
    const { status, json } = await list(`?${name}=${value}`);
    expect(status).toBe(400);
    expect(json).toEqual({ error: expect.stringMatching(new RegExp(`^Invalid ${name}: .*${expected}`)) });
  });
});
