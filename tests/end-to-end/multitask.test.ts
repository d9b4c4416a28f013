import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { finalEvents, newThreadId, type RunView } from '../support/agent-api.js';
import { type AppWithModel, startAppWithModel } from '../support/app-with-model.js';
import { echoed } from '../support/echoed.js';

const ENDLESS = 'Tell me a story';

describe('a message for a busy thread', () => {
  let target: AppWithModel;

  beforeAll(async () => {
    target = await startAppWithModel((message) =>
      message.startsWith(ENDLESS) ? { pieces: ['Once'], end: 'silence' } : echoed(message),
    );
  });

  afterAll(() => target.stop());

  const accept = async (threadId: string, message: string, fields: Record<string, unknown> = {}): Promise<string> => {
    const { status, text } = await target.api.run({
      message,
      thread_id: threadId,
      wait_for_response: false,
      ...fields,
    });
    expect(status).toBe(202);
    return JSON.parse(text).correlation_id;
  };
  const cancel = (threadId: string, id: string) => target.api.runs('POST', threadId, `/${id}/cancel`);
  const runsOf = async (threadId: string): Promise<RunView[]> =>
    JSON.parse((await target.api.runs('GET', threadId)).text);

  it('is rejected with multitask_strategy reject, and the error names the running run', async () => {
    const threadId = newThreadId();
    const running = await accept(threadId, ENDLESS);

    const inBody = await target.api.run({ message: 'Hi', thread_id: threadId, multitask_strategy: 'reject' });
    const inQuery = await target.api.run(
      { message: 'Hi', thread_id: threadId },
      { query: '?multitask_strategy=reject' },
    );

    for (const answer of [inBody, inQuery]) {
      expect(answer.status).toBe(409);
      expect(JSON.parse(answer.text)).toEqual({ error: expect.any(String), correlation_id: running });
    }
    expect(await runsOf(threadId)).toHaveLength(1);
    await cancel(threadId, running);
    await expect.poll(() => target.api.readRun(threadId, running)).toMatchObject({ status: 'cancelled' });
    const idle = await target.api.run({ message: 'Hi', thread_id: threadId, multitask_strategy: 'reject' });
    expect(idle.status).toBe(200);
  });

  it('replaces the running run with multitask_strategy interrupt', async () => {
    const threadId = newThreadId();
    const waiting = target.api.run({ message: ENDLESS, thread_id: threadId });
    await expect.poll(() => runsOf(threadId)).toMatchObject([{ status: 'running' }]);

    const answer = await target.api.run({ message: 'Stop that', thread_id: threadId, multitask_strategy: 'interrupt' });

    expect(JSON.parse(answer.text)).toMatchObject({ status: 'success', message_count: 4 });
    expect(JSON.parse((await waiting).text)).toMatchObject({ error_code: 'cancelled' });
    expect(await runsOf(threadId)).toMatchObject([{ status: 'completed' }, { status: 'cancelled' }]);
  });

  it('leads to one answer and nineteen cancelled runs after twenty interrupts in a row', async () => {
    const threadId = newThreadId();
    for (let number = 1; number < 20; number += 1) {
      await accept(threadId, `${ENDLESS} ${number}`, { multitask_strategy: 'interrupt' });
    }
    const last = await target.api.run({ message: 'That is all', thread_id: threadId, multitask_strategy: 'interrupt' });

    expect(JSON.parse(last.text)).toMatchObject({ status: 'success' });
    const events = await target.api.eventsOfEndedRuns(threadId, 20);
    expect(finalEvents(events)).toMatchObject([{ request_message: 'That is all' }]);
    const statuses = (await runsOf(threadId)).map(({ status }) => status);
    expect(statuses).toEqual(['completed', ...Array.from({ length: 19 }, () => 'cancelled')]);
  });

  it('leads to one answer after twenty simultaneous interrupts', async () => {
    const threadId = newThreadId();

    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, number) =>
        target.api.run({ message: `Question ${number}`, thread_id: threadId, multitask_strategy: 'interrupt' }),
      ),
    );

    const events = await target.api.eventsOfEndedRuns(threadId, 20);
    expect(finalEvents(events).length).toBeGreaterThanOrEqual(1);
    const newest = (await runsOf(threadId)).filter(({ status }) => status === 'completed');
    expect(newest).toHaveLength(finalEvents(events).length);
    expect(answers.map(({ status }) => status).filter((status) => status !== 200 && status !== 502)).toEqual([]);
  });

  it('waits for its turn by default', async () => {
    const threadId = newThreadId();
    const running = await accept(threadId, ENDLESS);
    const queued = await accept(threadId, 'Hi', { multitask_strategy: 'enqueue' });

    expect(await target.api.readRun(threadId, queued)).toMatchObject({ status: 'queued', attempt: 0 });
    await cancel(threadId, running);
    await expect.poll(() => target.api.readRun(threadId, queued)).toMatchObject({ status: 'completed' });
  });

  it('is rejected with an unknown strategy', async () => {
    const answer = await target.api.run({ message: 'Hi', multitask_strategy: 'rollback' });

    expect(answer).toMatchObject({
      status: 400,
      text: '{"error":"Invalid multitask_strategy: expected enqueue, reject, interrupt"}',
    });
  });
});
