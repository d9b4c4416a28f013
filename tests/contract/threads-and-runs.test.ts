import { expect, it } from 'vitest';
import { finalEvents, newThreadId } from '../support/agent-api.js';
import { describeTargets } from './contract-target.js';

const ENDED = /^(completed|failed|cancelled)$/;

/** The target may use any model, so a run may end before the next request arrives. */
describeTargets('threads and runs', (api) => {
  const accept = async (threadId: string, message: string, strategy = 'enqueue') => {
    const fields = { message, thread_id: threadId, wait_for_response: false, multitask_strategy: strategy };
    const { status, text } = await api.run(fields);
    return { status, id: JSON.parse(text).correlation_id as string };
  };
  const endOf = async (threadId: string, id: string): Promise<string> => {
    await expect
      .poll(async () => (await api.readRun(threadId, id)).status, { timeout: 60_000, interval: 200 })
      .toMatch(ENDED);
    return (await api.readRun(threadId, id)).status;
  };
  const conversation = (threadId: string, method = 'GET') =>
    api.call(method, `agents/CallbackAgent/threads/${encodeURIComponent(threadId)}`);

  it('a run ends as cancelled unless it completes first, and an ended one does not change', async () => {
    const threadId = newThreadId();
    await accept(threadId, 'First');
    const { id } = await accept(threadId, 'Second');

    const { status } = await api.runs('POST', threadId, `/${id}/cancel`);
    const end = await endOf(threadId, id);
    const repeated = await api.runs('POST', threadId, `/${id}/cancel`);

    expect([
      [202, 'cancelled', 200],
      [409, 'completed', 409],
      // The run completed before it saw the cancellation.
      [202, 'completed', 409],
    ]).toContainEqual([status, end, repeated.status]);
    const finals = finalEvents(await api.events(threadId)).filter((event) => event.correlation_id === id);
    expect(finals).toHaveLength(end === 'completed' ? 1 : 0);
    expect((await api.runs('POST', threadId, `/${'0'.repeat(32)}/cancel`)).status).toBe(404);
  }, 120_000);

  it('the strategy reject rejects a message only if the thread is busy', async () => {
    const threadId = newThreadId();
    const first = await accept(threadId, 'First');

    const second = await accept(threadId, 'Second', 'reject');
    // A 409 returns the id of the run that has not ended.
    for (const { id } of [first, second]) await endOf(threadId, id);
    const third = await accept(threadId, 'Third', 'reject');

    expect([202, 409]).toContain(second.status);
    expect(second.id === first.id).toBe(second.status === 409);
    expect(third.status).toBe(202);
  }, 120_000);

  it('the strategy interrupt leaves only the last answer, and no open run', async () => {
    const threadId = newThreadId();
    const earlier = [await accept(threadId, 'One'), await accept(threadId, 'Two')];

    const last = await accept(threadId, 'Three', 'interrupt');

    expect(await endOf(threadId, last.id)).toBe('completed');
    for (const { id } of earlier) expect(await endOf(threadId, id)).toMatch(/^(completed|cancelled)$/);
  }, 120_000);

  it('a conversation has the messages of its runs, with their correlation ids', async () => {
    const threadId = newThreadId();
    const first = await api.ask(threadId, 'One');
    const second = await api.ask(threadId, 'Two');

    const { status, text } = await conversation(threadId);

    expect(status).toBe(200);
    const ids = JSON.parse(text).messages.map((message: { correlation_id: string }) => message.correlation_id);
    expect(ids).toEqual([first, first, second, second].map((run) => run.correlation_id));
    const runs: { correlation_id: string }[] = JSON.parse((await api.runs('GET', threadId)).text);
    expect(runs).toMatchObject([
      { correlation_id: second.correlation_id, status: 'completed', message: 'Two' },
      { correlation_id: first.correlation_id, status: 'completed', message: 'One' },
    ]);
  }, 120_000);

  it('a deleted thread leaves nothing, even if it was busy, and starts over with the next message', async () => {
    const threadId = newThreadId();
    const { correlation_id: id } = await api.ask(threadId, 'One');
    await accept(threadId, 'Two');

    const deletions = [await conversation(threadId, 'DELETE'), await conversation(threadId, 'DELETE')];

    expect(deletions).toMatchObject([
      { status: 204, text: '' },
      { status: 204, text: '' },
    ]);
    expect((await conversation(threadId)).status).toBe(404);
    expect((await api.runs('GET', threadId, `/${id}`)).status).toBe(404);
    expect([await api.runs('GET', threadId), await api.callbacks('GET', threadId)]).toMatchObject([
      { text: '[]' },
      { text: '[]' },
    ]);
    expect(await api.ask(threadId, 'Three')).toMatchObject({ message_count: 2 });
  }, 120_000);
});
