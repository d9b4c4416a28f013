import { expect, it } from 'vitest';
import { newThreadId } from '../support/agent-api.js';
import { describeTargets } from './contract-target.js';

describeTargets('GET agents/{agent}/stats', (api) => {
  async function read(query = '', agentName = 'CallbackAgent') {
    const { status, headers, text } = await api.call('GET', `agents/${agentName}/stats${query}`);
    return { status, headers, json: JSON.parse(text) };
  }

  it('counts a run with its tokens and times', async () => {
    const since = new Date().toISOString();
    const { thread_id: threadId, correlation_id: id } = await api.ask(newThreadId(), 'Hello');
    const { usage } = JSON.parse((await api.runs('GET', threadId, `/${id}`)).text);
    const { status, headers, json } = await read(`?since=${since}&bucket=60`, 'callbackagent');
    expect(status).toBe(200);
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store' });
    expect(Object.keys(json)).toEqual([
      'agent_name',
      'since',
      'until',
      'bucket_seconds',
      'buckets',
      'totals',
      'failures',
      'first_update_ms',
      'total_ms',
    ]);
    expect(json).toMatchObject({ agent_name: 'CallbackAgent', since, bucket_seconds: 60 });
    // The host may have other callers.
    expect(json.totals.completed).toBeGreaterThanOrEqual(1);
    expect(json.totals.input_token_count).toBeGreaterThanOrEqual(usage.input_token_count);
    expect(json.totals.output_token_count).toBeGreaterThanOrEqual(usage.output_token_count);
    expect(json.first_update_ms.count).toBeGreaterThanOrEqual(1);
    expect(json.total_ms.p95).toBeGreaterThanOrEqual(json.first_update_ms.p50);
    const counted = json.buckets.reduce((sum: number, { runs }: { runs: number }) => sum + runs, 0);
    expect(counted).toBe(json.totals.runs);
  });

  // Another test may delete a run of the same moment.
  it('forgets the runs of a deleted thread', { retry: 3 }, async () => {
    const { thread_id: threadId, correlation_id: id } = await api.ask(newThreadId(), 'Hello');
    const { created_at: accepted } = JSON.parse((await api.runs('GET', threadId, `/${id}`)).text);
    const around = [-50, 50].map((ms) => new Date(Date.parse(accepted) + ms).toISOString());
    const query = `?since=${around[0]}&until=${around[1]}`;
    const before = (await read(query)).json.totals.runs;
    await api.call('DELETE', `agents/CallbackAgent/threads/${threadId}`);
    expect((await read(query)).json.totals.runs).toBe(before - 1);
  });

  it.each([
    ['an invalid time', '?since=x', 'CallbackAgent', 400],
    ['an invalid width of buckets', '?bucket=1', 'CallbackAgent', 400],
    ['an unknown agent', '', 'UnknownAgent', 404],
  ])('refuses %s', async (_what, query, agentName, status) => {
    expect(await read(query, agentName)).toMatchObject({ status, json: { error: expect.any(String) } });
  });
});
