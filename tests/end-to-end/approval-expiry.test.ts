import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newThreadId } from '../support/agent-api.js';
import { type AppWithModel, startAppWithModel } from '../support/app-with-model.js';
import { eventually } from '../support/eventually.js';
import { offlineAnswer } from '../support/offline-answer.js';
import { RefundApi } from '../support/refund-api.js';
import { runTimer } from '../support/run-timer.js';

const keyOf = (threadId: string) => ({ headers: { 'idempotency-key': `key-${threadId}` } });

describe('with APPROVAL_TIMEOUT_HOURS', () => {
  interface ExpiredRun {
    readonly threadId: string;
    readonly id: string;
    readonly approvalId: string;
  }

  let target: AppWithModel;
  let api: RefundApi;
  /** A run for each test. */
  let expired: ExpiredRun[];

  beforeAll(async () => {
    // 0.001 hours are 3.6 seconds.
    target = await startAppWithModel(offlineAnswer, { APPROVAL_TIMEOUT_HOURS: '0.001' });
    api = new RefundApi(target.app.baseUrl);
    expired = await Promise.all(Array.from({ length: 6 }, startExpired));
  });
  afterAll(() => target.stop());

  const message = 'Please refund order A-1001.';

  /** Starts a run, and returns when its approval has expired. */
  async function startExpired(): Promise<ExpiredRun> {
    const threadId = newThreadId();
    const { text } = await api.run(threadId, { message, wait_for_response: false }, keyOf(threadId));
    const asked = await eventually(async () => {
      const event = (await api.events(threadId)).find(({ event_type: type }) => type === 'approval');
      if (event?.event_type !== 'approval') throw new Error('The run has not asked yet.');
      return event;
    });
    await eventually(() => {
      if (Date.now() <= Date.parse(asked.expires_at)) throw new Error('The approval has not expired yet.');
    });
    return { threadId, id: JSON.parse(text).correlation_id, approvalId: asked.approval_id };
  }

  it.each<[string, (run: ExpiredRun) => Promise<void>]>([
    [
      'a decision, which comes too late',
      async ({ threadId, approvalId }) => {
        expect((await api.decide(threadId, approvalId, { approved: true })).status).toBe(410);
      },
    ],
    [
      'a request for its status',
      async ({ threadId, id }) => {
        expect(await api.readRun(threadId, id)).not.toHaveProperty('approvals');
      },
    ],
    [
      'its repeated request, which gets its answer',
      async ({ threadId, id }) => {
        const answer = await api.run(threadId, { message }, keyOf(threadId));
        expect(answer).toMatchObject({ status: 200, text: expect.stringContaining('Nobody approved this call') });
        expect(JSON.parse(answer.text)).toMatchObject({ correlation_id: id, message_count: 2 });
      },
    ],
    [
      'the next message, which is answered after it',
      async ({ threadId }) => {
        const answer = await api.run(threadId, { message: 'Hello' });
        expect(answer).toMatchObject({ status: 200, text: expect.stringContaining('“Hello”') });
        expect(JSON.parse(answer.text)).toMatchObject({ message_count: 4 });
      },
    ],
    [
      'a message that does not wait for it, and is rejected once more',
      async ({ threadId, id }) => {
        const answer = await api.run(threadId, { message: 'Hello', multitask_strategy: 'reject' });
        expect(answer).toMatchObject({ status: 409, text: expect.stringContaining(id) });
      },
    ],
    // Last, because the timer continues the runs of all threads.
    ['the timer', () => runTimer(target.app.baseUrl, 'expire_approvals')],
  ])('a call that nobody decides in time is rejected, and its run is continued by %s', async (_what, access) => {
    const run = expired.pop();
    if (run === undefined) throw new Error('There are fewer runs than tests.');

    await access(run);

    const eventsOfRun = async () => (await api.events(run.threadId)).filter((event) => event.correlation_id === run.id);
    await expect
      .poll(async () => (await eventsOfRun()).filter(({ event_type: type }) => type !== 'stream'))
      .toMatchObject([
        { event_type: 'approval', state: 'requested' },
        { event_type: 'approval', state: 'expired' },
        { event_type: 'final', response_text: expect.stringContaining('Nobody approved this call in time') },
      ]);
    await api.runWithStatus(run.threadId, run.id, 'completed');
    await expect
      .poll(async () => (await api.decide(run.threadId, run.approvalId, { approved: true })).status)
      .toBe(410);
  });
});
