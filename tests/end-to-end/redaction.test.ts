import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AnsweredRun, newThreadId, streamEvents } from '../support/agent-api.js';
import { type AppWithModel, startAppWithModel } from '../support/app-with-model.js';

const EMAIL = 'ada.lovelace@example.com';
const EMPLOYEE = 'EMP-123456';

let started: AppWithModel;

beforeAll(async () => {
  started = await startAppWithModel(
    () => ({ pieces: ['Write to ada.', 'lovelace@exam', 'ple.com or ask EMP-1', '23456 tomorrow.'] }),
    {
      CALLBACK_REDACT: 'all',
      CALLBACK_REDACT_PATTERNS: JSON.stringify([{ name: 'employee', pattern: 'EMP-[0-9]{6}', maxLength: 10 }]),
    },
  );
});
afterAll(() => started.stop());

describe('an app that redacts', () => {
  it('removes secrets from events, streams, exports and the log, but not from the answer', async () => {
    const { api, app, model } = started;
    const threadId = newThreadId();
    const run = await api.run(
      { message: `Who is ${EMAIL}?`, thread_id: threadId },
      { headers: { 'idempotency-key': 'redacted-1' } },
    );
    const answer: AnsweredRun = JSON.parse(run.text);
    const events = await api.events(threadId);
    const exported = await api.call('GET', `agents/CallbackAgent/callbacks/${threadId}/export?format=jsonl`);

    expect(answer.response).toBe(`Write to ${EMAIL} or ask ${EMPLOYEE} tomorrow.`);
    expect(JSON.stringify(model.requests)).toContain(EMAIL);
    expect(
      streamEvents(events)
        .map(({ text }) => text)
        .join(''),
    ).toBe('Write to [redacted:email] or ask [redacted:employee] tomorrow.');
    expect(events.at(-1)).toMatchObject({
      request_message: 'Who is [redacted:email]?',
      response_text: 'Write to [redacted:email] or ask [redacted:employee] tomorrow.',
    });
    // The output of the app arrives independently of its answers.
    await expect.poll(() => app.output()).toContain(`run answered (thread ${threadId})`);
    const threads = await api.call('GET', 'agents/CallbackAgent/threads');
    expect(threads.text).toContain(threadId);
    const shown = JSON.stringify([events, exported.text, threads.text, app.output()]);
    expect(exported.text).toContain('redacted:email');
    expect(app.output()).toContain('redacted:email');
    for (const secret of [EMAIL, EMPLOYEE]) expect(shown).not.toContain(secret);
  });
});
