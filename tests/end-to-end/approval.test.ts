import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newThreadId } from '../support/agent-api.js';
import { type AppWithModel, startAppWithModel } from '../support/app-with-model.js';
import { offlineAnswer } from '../support/offline-answer.js';
import { RefundApi } from '../support/refund-api.js';

const keyOf = (threadId: string) => ({ headers: { 'idempotency-key': `key-${threadId}` } });

describe('a tool call that needs approval', () => {
  let target: AppWithModel;
  let api: RefundApi;

  beforeAll(async () => {
    target = await startAppWithModel(offlineAnswer);
    api = new RefundApi(target.app.baseUrl);
  });
  afterAll(() => target.stop());

  it('makes its run wait, which continues under the same correlation id once it is approved', async () => {
    const threadId = newThreadId();
    const answer = await api.run(threadId, { message: 'Please refund order A-1001.' });

    const body = JSON.parse(answer.text);
    expect(answer.status).toBe(202);
    expect(Object.keys(body)).toEqual([
      'response',
      'message',
      'thread_id',
      'status',
      'correlation_id',
      'session_id',
      'sessionId',
      'correlationId',
      'approvals',
    ]);
    const approvalId = body.approvals[0].approval_id;
    const asked = {
      approval_id: approvalId,
      tool_name: 'issue_refund',
      arguments: { order_id: 'A-1001', amount: 249, reason: 'Please refund order A-1001.' },
      requested_at: expect.any(String),
      expires_at: expect.any(String),
    };
    expect(body).toMatchObject({ status: 'waiting_for_approval', thread_id: threadId, approvals: [asked] });
    const { correlation_id: id } = body;
    expect(answer.headers['location']).toBe(`threads/${threadId}/runs/${id}`);
    const waiting = { status: 'waiting_for_approval', attempt: 1, approvals: [asked] };
    expect(await api.readRun(threadId, id)).toMatchObject(waiting);
    expect(await api.approvals(threadId)).toMatchObject([
      { ...asked, correlation_id: id, state: 'requested', call_id: expect.any(String) },
    ]);
    const listed = (await api.listedThreads()).find((one: { thread_id: string }) => one.thread_id === threadId);
    expect(listed).toMatchObject({ status: 'waiting_for_approval' });

    const decided = await api.decide(threadId, approvalId, { approved: true, reason: 'Looks right.' });
    expect(decided.status).toBe(202);
    expect(JSON.parse(decided.text)).toMatchObject({
      approval_id: approvalId,
      state: 'approved',
      reason: 'Looks right.',
    });
    const run = await api.runWithStatus(threadId, id, 'completed');

    expect(run).toMatchObject({ attempt: 1, response: expect.stringContaining('"amount":249') });
    const events = await api.events(threadId);
    expect(new Set(events.map((event) => event.correlation_id))).toEqual(new Set([id]));
    expect(new Set(events.map((event) => event.attempt))).toEqual(new Set([1]));
    const steps = events.filter((event) => event.event_type !== 'stream' || event.update_kind !== 'text');
    const named = steps.map((event) => {
      const kind = event.event_type === 'stream' ? ` ${event.update_kind}` : '';
      const tool = 'tool_name' in event ? ` ${event.tool_name}` : '';
      return `${event.event_type}${kind}${tool}${event.event_type === 'approval' ? ` ${event.state}` : ''}`;
    });
    expect(named).toEqual([
      'stream tool_call lookup_order',
      'stream tool_result lookup_order',
      'stream tool_call issue_refund',
      'approval issue_refund requested',
      'approval issue_refund approved',
      'stream tool_result issue_refund',
      'final',
    ]);
    expect((await api.decide(threadId, approvalId, { approved: true })).status).toBe(200);
    expect((await api.decide(threadId, approvalId, { approved: false })).status).toBe(409);
    expect((await api.decide(threadId, '0123', { approved: true })).status).toBe(404);
    expect(await api.approvals(threadId)).toEqual([]);
  });

  it('accepts one of two simultaneous decisions', async () => {
    const threadId = newThreadId();
    const { correlation_id: id, approvals } = await api.askForRefund(threadId, 'Please refund order A-1002.');
    const approvalId = approvals[0]?.approval_id ?? '';

    const answers = await Promise.all([true, false].map((approved) => api.decide(threadId, approvalId, { approved })));

    expect(answers.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([202, 409]);
    const isApproved = answers[0]?.status === 202;
    const { response } = await api.runWithStatus(threadId, id, 'completed');
    expect(response).toContain(isApproved ? '"refund_id"' : 'A person rejected this call');
  });

  it('can be made with other arguments, which must fit the schema of the tool', async () => {
    const threadId = newThreadId();
    const { correlation_id: id, approvals } = await api.askForRefund(threadId);
    const approvalId = approvals[0]?.approval_id ?? '';

    const bad = await api.decide(threadId, approvalId, {
      approved: true,
      arguments: { order_id: 'A-1003', amount: -1 },
    });
    expect(bad.status).toBe(400);
    expect(bad.text).toMatch(/do not fit the schema of issue_refund\. amount:/);
    const deep: object = JSON.parse('{"a":'.repeat(200) + '{}' + '}'.repeat(200));
    const deepArguments = { approved: true, arguments: { order_id: 'A-1003', amount: 5, note: deep } };
    for (const invalid of [{}, { approved: 'yes' }, { approved: false, arguments: {} }, deepArguments]) {
      expect((await api.decide(threadId, approvalId, invalid)).status).toBe(400);
    }
    const edited = { approved: true, arguments: { order_id: 'A-1003', amount: 5 } };
    const good = await api.decide(threadId, approvalId, edited);
    expect(good).toMatchObject({ status: 202, text: expect.stringContaining('"arguments_edited":true') });
    expect((await api.runWithStatus(threadId, id, 'completed')).response).toContain('"amount":5');
    expect(await api.decide(threadId, approvalId, edited)).toMatchObject({ status: 200, text: good.text });
    expect((await api.decide(threadId, approvalId, { approved: true })).status).toBe(409);
  });

  it('ends a stream of its run with the 202 as the result, while the stream of the thread continues', async () => {
    const threadId = newThreadId();
    const reader = await api.streamRun(threadId, 'Please refund 1 of order A-1003.');
    await reader.ended;
    const result = JSON.parse(reader.received.events.at(-1)?.data ?? '');
    expect(reader.names.slice(-2)).toEqual(['approval', 'result']);
    expect(result).toMatchObject({ status: 'waiting_for_approval', approvals: [{ tool_name: 'issue_refund' }] });

    const follower = await api.stream(threadId, `?correlation_id=${result.correlation_id}&until=run-end`);
    await follower.until(({ names }) => names.includes('approval'));
    await api.decide(threadId, result.approvals[0].approval_id, { approved: false, reason: 'No.' });
    await follower.ended;

    expect(follower.names).not.toContain('superseded');
    expect(follower.names.filter((name) => name === 'approval')).toHaveLength(2);
    expect(follower.names.at(-1)).toBe('final');
  });

  it('is answered from the waiting run if the request is repeated with its Idempotency-Key', async () => {
    const threadId = newThreadId();
    const call = keyOf(threadId);
    const message = 'Please refund 1 of order A-1003.';
    const [first, again] = [await api.run(threadId, { message }, call), await api.run(threadId, { message }, call)];

    expect(again.status).toBe(202);
    expect(JSON.parse(again.text)).toEqual(JSON.parse(first.text));
  });

  it('is not made if its run is cancelled', async () => {
    const threadId = newThreadId();
    const { correlation_id: id, approvals } = await api.askForRefund(threadId);

    expect((await api.cancel(threadId, id)).status).toBe(202);

    await api.runWithStatus(threadId, id, 'cancelled');
    expect((await api.events(threadId)).slice(-2)).toMatchObject([
      { event_type: 'approval', state: 'rejected', reason: 'The run was cancelled.' },
      { event_type: 'failed', error_code: 'cancelled' },
    ]);
    await expect
      .poll(async () => (await api.decide(threadId, approvals[0]?.approval_id ?? '', { approved: true })).status)
      .toBe(409);
    expect((await api.cancel(threadId, id)).status).toBe(200);
  });

  it('keeps its thread busy for a message that rejects that, and ends for one that interrupts', async () => {
    const threadId = newThreadId();
    const { correlation_id: id } = await api.askForRefund(threadId);

    const rejected = await api.run(threadId, { message: 'Hello', multitask_strategy: 'reject' });
    expect(rejected).toMatchObject({ status: 409, text: expect.stringContaining(id) });
    const interrupting = await api.run(threadId, { message: 'Hello', multitask_strategy: 'interrupt' });

    expect(interrupting).toMatchObject({ status: 200, text: expect.stringContaining('“Hello”') });
    expect(await api.readRun(threadId, id)).toMatchObject({ status: 'cancelled' });
  });

  it('lets later messages wait, which are answered after it', async () => {
    const threadId = newThreadId();
    const { correlation_id: id, approvals } = await api.askForRefund(threadId);
    const call = keyOf(threadId);
    // The answer to a request that does not wait comes after its message has been sent.
    const accepted = await api.run(threadId, { message: 'Hello', wait_for_response: false }, call);
    const { correlation_id: next } = JSON.parse(accepted.text);
    const waiting = api.run(threadId, { message: 'Hello' }, call);
    expect(await api.readRun(threadId, next)).toMatchObject({ status: 'queued' });

    await api.decide(threadId, approvals[0]?.approval_id ?? '', { approved: false });

    expect(await waiting).toMatchObject({ status: 200, text: expect.stringContaining('“Hello”') });
    expect(await api.readRun(threadId, id)).toMatchObject({ status: 'completed' });
    const finals = (await api.events(threadId)).filter((event) => event.event_type === 'final');
    expect(finals.map((event) => event.correlation_id)).toEqual([id, next]);
  });

  it('is deleted with its thread', async () => {
    const threadId = newThreadId();
    const { approvals } = await api.askForRefund(threadId);
    const late = JSON.parse((await api.run(threadId, { message: 'Hello', wait_for_response: false })).text);

    expect((await api.delete(threadId)).status).toBe(204);

    expect(await api.approvals(threadId)).toEqual([]);
    expect(await api.events(threadId)).toEqual([]);
    expect((await api.decide(threadId, approvals[0]?.approval_id ?? '', { approved: true })).status).toBe(404);
    expect(await api.readRun(threadId, late.correlation_id)).toHaveProperty('error');
  });
});
