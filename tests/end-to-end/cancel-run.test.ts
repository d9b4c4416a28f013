import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newThreadId, streamEvents } from '../support/agent-api.js';
import { type AppWithModel, startAppWithModel } from '../support/app-with-model.js';
import { echoed } from '../support/echoed.js';

const ENDLESS = 'Tell me a story';
const BEGINNING = 'Once upon a time';

describe('cancelling a run', () => {
  let target: AppWithModel;

  beforeAll(async () => {
    target = await startAppWithModel((message) =>
      message === ENDLESS ? { pieces: [BEGINNING], end: 'silence' } : echoed(message),
    );
  });

  afterAll(() => target.stop());

  const accept = async (threadId: string, message: string): Promise<string> => {
    const { text } = await target.api.run({ message, thread_id: threadId, wait_for_response: false });
    return JSON.parse(text).correlation_id;
  };
  const cancel = (threadId: string, id: string) => target.api.runs('POST', threadId, `/${id}/cancel`);
  const hasBegun = async (threadId: string): Promise<void> => {
    await expect
      .poll(async () => streamEvents(await target.api.events(threadId)).map(({ text }) => text))
      .toContain(BEGINNING);
  };

  it('aborts the model call, keeps the partial text, and answers the caller with 502', async () => {
    const threadId = newThreadId();
    const waiting = target.api.run({ message: ENDLESS, thread_id: threadId });
    await hasBegun(threadId);
    const id = (await target.api.events(threadId))[0]?.correlation_id ?? '';

    const cancelled = await cancel(threadId, id);
    const answer = await waiting;

    expect(cancelled).toMatchObject({ status: 202, headers: { 'cache-control': 'no-store' } });
    expect(answer.status).toBe(502);
    expect(JSON.parse(answer.text)).toMatchObject({ status: 'error', error_code: 'cancelled', correlation_id: id });
    // Nothing else closes the silent connection: its time limit is a minute.
    await expect.poll(() => target.model.abandonedCount, { timeout: 20_000 }).toBe(1);
    expect(await target.api.events(threadId)).toMatchObject([
      { event_type: 'stream', text: BEGINNING },
      { event_type: 'failed', error_code: 'cancelled' },
    ]);
    expect(await target.api.readRun(threadId, id)).toMatchObject({ status: 'cancelled', error_code: 'cancelled' });
    expect((await cancel(threadId, id)).status).toBe(200);
  });

  it('keeps the cancelled turn out of later model requests', async () => {
    const threadId = newThreadId();
    const id = await accept(threadId, ENDLESS);
    await hasBegun(threadId);
    await cancel(threadId, id);
    const { message_count: count } = await target.api.ask(threadId, 'Hello');

    expect(count).toBe(4);
    expect(JSON.stringify(target.model.requests.at(-1)?.body)).not.toContain(ENDLESS);
  });

  it('prevents a queued run from starting, and answers its caller at once', async () => {
    const threadId = newThreadId();
    const first = await accept(threadId, ENDLESS);
    await hasBegun(threadId);
    const waiting = target.api.run({ message: 'Never asked', thread_id: threadId });
    const queued = await expect
      .poll(async () => JSON.parse((await target.api.runs('GET', threadId)).text))
      .toMatchObject([{ status: 'queued' }, { status: 'running' }])
      .then(async () => JSON.parse((await target.api.runs('GET', threadId)).text)[0].correlation_id);

    expect((await cancel(threadId, queued)).status).toBe(202);
    expect(await target.api.readRun(threadId, queued)).toMatchObject({ status: 'cancelled', attempt: 0 });
    expect(JSON.parse((await waiting).text)).toMatchObject({ error_code: 'cancelled', correlation_id: queued });
    expect(await target.api.readRun(threadId, first)).toMatchObject({ status: 'running' });

    await cancel(threadId, first);
    const events = await target.api.eventsOfEndedRuns(threadId, 2);
    expect(events.filter((event) => event.correlation_id === queued)).toMatchObject([
      { event_type: 'failed', error_code: 'cancelled' },
    ]);
    expect(JSON.stringify(target.model.requests.map(({ body }) => body))).not.toContain('Never asked');
  });

  it('is rejected after the run has ended', async () => {
    const { thread_id: threadId, correlation_id: id } = await target.api.ask(newThreadId(), 'Hello');

    const answer = await cancel(threadId, id);

    expect(answer).toMatchObject({ status: 409, text: expect.stringContaining('its status is completed') });
  });

  it('explains why this process may not know a run', async () => {
    const answer = await cancel(newThreadId(), '0'.repeat(32));

    expect(answer).toMatchObject({ status: 404, text: expect.stringContaining('CALLBACK_STORE') });
  });

  it('does not happen when the client disconnects', async () => {
    const threadId = newThreadId();
    const reader = await target.api.streamRun({ message: ENDLESS, thread_id: threadId });
    await reader.until(({ events }) => events.length > 0);
    const id = (await target.api.events(threadId))[0]?.correlation_id ?? '';
    reader.leave();

    await target.api.events(threadId);
    expect(await target.api.readRun(threadId, id)).toMatchObject({ status: 'running' });
    await cancel(threadId, id);
  });
});
