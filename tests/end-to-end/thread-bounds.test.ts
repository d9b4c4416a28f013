import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AnsweredRun, newThreadId } from '../support/agent-api.js';
import { type AppWithModel, startAppWithModel } from '../support/app-with-model.js';
import { echoed } from '../support/echoed.js';

const LONG = 'a long answer';
const longAnswer = 'word '.repeat(4000);

describe('a thread that reaches AGENT_MAX_STATE_BYTES', () => {
  let target: AppWithModel;

  beforeAll(async () => {
    target = await startAppWithModel((message) => (message === LONG ? { pieces: [longAnswer] } : echoed(message)), {
      AGENT_MAX_STATE_BYTES: '6000',
      AGENT_ALLOWED_ROLES: 'user',
    });
  });

  afterAll(() => target.stop());

  async function readThread(threadId: string) {
    const { text } = await target.api.call('GET', `agents/CallbackAgent/threads/${threadId}`);
    return JSON.parse(text);
  }

  it('drops its oldest turns, reports it, and counts the remaining messages', async () => {
    const threadId = newThreadId();
    const answers: AnsweredRun[] = [];
    for (let turn = 1; turn <= 12; turn += 1)
      answers.push(await target.api.ask(threadId, `Turn ${turn}: ${'x'.repeat(400)}`));

    const thread = await readThread(threadId);

    expect(thread).toMatchObject({ truncated: true, message_count: answers.at(-1)?.message_count });
    expect(thread.message_count).toBeLessThan(24);
    expect(thread.messages).toHaveLength(thread.message_count);
    expect(thread.messages.at(-2).text).toMatch(/^Turn 12: /);
  });

  it('answers a repeated request for a dropped turn without running it again', async () => {
    const threadId = newThreadId();
    const key = { headers: { 'idempotency-key': newThreadId() } };
    const fields = { message: 'First', thread_id: threadId };
    const first = await target.api.run(fields, key);
    for (let turn = 1; turn <= 10; turn += 1) await target.api.ask(threadId, 'x'.repeat(600));
    expect(JSON.stringify(await readThread(threadId))).not.toContain('"First"');
    const askedBefore = target.model.requests.length;

    expect(await target.api.run(fields, key)).toMatchObject({ status: 200, text: first.text });
    expect(target.model.requests).toHaveLength(askedBefore);
  });

  it('keeps the beginning of an answer that is too long, while caller, run record and events get all of it', async () => {
    const threadId = newThreadId();

    const answer = await target.api.ask(threadId, LONG);

    expect(answer.response).toBe(longAnswer);
    const run = await target.api.call('GET', `agents/CallbackAgent/threads/${threadId}/runs/${answer.correlation_id}`);
    expect(JSON.parse(run.text)).toMatchObject({ response: longAnswer });
    expect(await target.api.events(threadId)).toContainEqual(expect.objectContaining({ response_text: longAnswer }));
    expect((await readThread(threadId)).messages.at(-1).text).toMatch(/^(word )+.*… \[cut: .*AGENT_MAX_STATE_BYTES\]$/);
  });

  it('rejects a message that cannot fit, and a role that is not allowed', async () => {
    expect(await target.api.run({ message: 'x'.repeat(6000) })).toMatchObject({
      status: 413,
      text: expect.stringContaining('AGENT_MAX_STATE_BYTES'),
    });
    expect(await target.api.run({ message: 'Hi', role: 'system' })).toMatchObject({
      status: 400,
      text: expect.stringContaining('AGENT_ALLOWED_ROLES'),
    });
  });
});
