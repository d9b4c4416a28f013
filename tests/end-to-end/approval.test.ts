import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OfflineModel, startOfflineModel } from '../../local/offline-model.js';
import { AgentApi, newThreadId } from '../support/agent-api.js';
import { type LocalApp, startLocalApp } from '../support/local-app.js';

const agentName = 'RefundAgent';
const json = { 'content-type': 'application/json' };

function path(threadId: string, rest = ''): string {
  return `agents/${agentName}/threads/${threadId}${rest}`;
}

describe('a tool call that needs approval', () => {
  let model: OfflineModel;
  let app: LocalApp;
  let api: AgentApi;

  beforeAll(async () => {
    model = await startOfflineModel();
    app = await startLocalApp(model.settings);
    api = new AgentApi(app.baseUrl);
  });
  afterAll(async () => {
    await app.stop();
    await model.close();
  });

  const read = async (threadId: string, rest = '') => JSON.parse((await api.call('GET', path(threadId, rest))).text);
  const decide = (threadId: string, id: string, body: object) =>
    api.call('POST', path(threadId, `/approvals/${id}`), json, JSON.stringify(body));
  const events = async (threadId: string) => JSON.parse((await api.callbacks('GET', threadId, agentName)).text);
  const ask = async (threadId: string, message: string) => {
    const answer = await api.run({ message, thread_id: threadId }, { agentName });
    return { ...answer, body: JSON.parse(answer.text) };
  };
  const hasCompleted = async (threadId: string, id: string): Promise<void> => {
    await expect.poll(async () => (await read(threadId, `/runs/${id}`)).status, { timeout: 10_000 }).toBe('completed');
  };

  it('makes its run wait, and once it is approved the run goes on under the same correlation id', async () => {
    const threadId = newThreadId();
    const asked = await ask(threadId, 'Please refund order A-1001.');

    expect(asked).toMatchObject({
      status: 202,
      body: {
        status: 'waiting_for_approval',
        thread_id: threadId,
        approvals: [{ tool_name: 'issue_refund', arguments: { order_id: 'A-1001', amount: 249 } }],
      },
    });
    const { correlation_id: id, approvals } = asked.body;
    expect(asked.headers['location']).toBe(`threads/${threadId}/runs/${id}`);
    expect(await read(threadId, `/runs/${id}`)).toMatchObject({ status: 'waiting_for_approval', attempt: 1 });
    const approvalId = approvals[0].approval_id;
    expect(await read(threadId, '/approvals')).toMatchObject({
      approvals: [{ approval_id: approvalId, correlation_id: id, state: 'requested' }],
    });

    const decided = await decide(threadId, approvalId, { approved: true, reason: 'Looks right.' });
    expect(decided.status).toBe(202);
    expect(JSON.parse(decided.text)).toMatchObject({ approval_id: approvalId, state: 'approved' });
    await hasCompleted(threadId, id);

    const run = await read(threadId, `/runs/${id}`);
    expect(run).toMatchObject({ attempt: 1, response: expect.stringContaining('"amount":249') });
    const seen = await events(threadId);
    expect(new Set(seen.map((event: { correlation_id: string }) => event.correlation_id))).toEqual(new Set([id]));
    const steps = seen.filter((event: { update_kind?: string }) => event.update_kind !== 'text');
    expect(
      steps.map((event: Record<string, string>) =>
        [event['event_type'], event['update_kind'], event['tool_name'], event['state']].filter(Boolean).join(' '),
      ),
    ).toEqual([
      'stream tool_call lookup_order',
      'stream tool_result lookup_order',
      'stream tool_call issue_refund',
      'approval issue_refund requested',
      'approval issue_refund approved',
      'stream tool_result issue_refund',
      'final',
    ]);
    expect((await decide(threadId, approvalId, { approved: true })).status).toBe(200);
    expect((await decide(threadId, approvalId, { approved: false })).status).toBe(409);
    expect((await decide(threadId, '0123', { approved: true })).status).toBe(404);
  });
});
