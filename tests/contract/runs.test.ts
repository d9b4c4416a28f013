import { describe, expect, it } from 'vitest';
import { newThreadId } from '../support/agent-api.js';
import { describeTargets } from './contract-target.js';

const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const unknownRun = '0'.repeat(32);

describeTargets('runs', (api) => {
  describe('GET agents/{agent}/threads/{thread_id}/runs/{correlation_id}', () => {
    it('returns the status and details of an answered run', async () => {
      const { thread_id: threadId, correlation_id: id, response } = await api.ask(newThreadId(), 'Hello');
      const answer = await api.runs('GET', threadId, `/${id}`);
      expect(answer).toMatchObject({
        status: 200,
        headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
      });
      expect(JSON.parse(answer.text)).toMatchObject({
        correlation_id: id,
        status: 'completed',
        created_at: time,
        started_at: time,
        ended_at: time,
        attempt: 1,
        message: 'Hello',
        response,
        usage: { type: 'usage_details', total_token_count: expect.any(Number) },
        finish_reason: 'stop',
      });
    });

    it('is the Location of an accepted run', async () => {
      const accepted = await api.run({ message: 'Hello', thread_id: newThreadId(), wait_for_response: false });
      const { thread_id: threadId, correlation_id: id } = JSON.parse(accepted.text);
      expect(accepted).toMatchObject({ status: 202, headers: { 'retry-after': expect.stringMatching(/^\d+$/) } });
      const url = new URL(String(accepted.headers['location']), 'http://host/api/agents/CallbackAgent/run');
      expect(url.pathname).toBe(`/api/agents/CallbackAgent/threads/${threadId}/runs/${id}`);
      await expect.poll(() => api.readRun(threadId, id)).toMatchObject({ status: 'completed' });
    });

    it.each([
      ['an unknown run', newThreadId(), unknownRun, 404],
      ['no correlation id', newThreadId(), 'x', 400],
      ['an invalid thread id', ' ', unknownRun, 400],
    ])('rejects %s', async (_what, threadId, id, status) => {
      const answer = await api.runs('GET', threadId, `/${id}`);
      expect(answer.status).toBe(status);
      expect(JSON.parse(answer.text)).toEqual({ error: expect.any(String) });
    });

    it('rejects an unknown agent', async () => {
      expect(await api.runs('GET', newThreadId(), `/${unknownRun}`, 'UnknownAgent')).toMatchObject({ status: 404 });
    });
  });

  describe('GET agents/{agent}/threads/{thread_id}/runs', () => {
    it('lists the runs of a thread in pages, newest first, without their responses', async () => {
      const threadId = newThreadId();
      for (const message of ['One', 'Two', 'Three']) await api.ask(threadId, message);
      const first = await api.runs('GET', threadId, '?limit=2');
      expect(first).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store', 'x-has-more': 'true' } });
      const cursor = encodeURIComponent(String(first.headers['x-next-cursor']));
      const second = await api.runs('GET', threadId, `?limit=2&cursor=${cursor}`);
      expect(second.headers['x-has-more']).toBe('false');
      const runs: Record<string, unknown>[] = [...JSON.parse(first.text), ...JSON.parse(second.text)];
      expect(runs.map(({ message, status }) => [message, status])).toEqual(
        ['Three', 'Two', 'One'].map((message) => [message, 'completed']),
      );
      expect(runs.filter((run) => 'response' in run)).toEqual([]);
    });

    it('is empty for an unknown thread', async () => {
      expect(await api.runs('GET', newThreadId())).toMatchObject({ status: 200, text: '[]' });
    });

    it.each([
      ['limit', '0'],
      ['cursor', 'x'],
    ])('rejects %s=%s', async (name, value) => {
      const answer = await api.runs('GET', newThreadId(), `?${name}=${value}`);
      expect(answer).toMatchObject({
        status: 400,
        text: expect.stringMatching(`^{"error":"Invalid ${name}: expected `),
      });
    });
  });
});
