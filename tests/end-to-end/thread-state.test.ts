import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newThreadId } from '../support/agent-api.js';
import { type AppWithModel, startAppWithModel } from '../support/app-with-model.js';
import { echoed } from '../support/echoed.js';
import { eventually } from '../support/eventually.js';
import { exchange, type HttpAnswer } from '../support/http-exchange.js';

const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

describe('the state of a thread, read through the durable HTTP API', () => {
  let target: AppWithModel;

  beforeAll(async () => {
    target = await startAppWithModel((message) =>
      message === 'Fail' ? { status: 404, body: { error: { message: 'No such deployment' } } } : echoed(message),
    );
  });

  afterAll(() => target.stop());

  function entity(method: string, threadId: string, operation = '', input?: unknown): Promise<HttpAnswer> {
    return exchange(target.app.baseUrl, {
      method,
      path: `/runtime/webhooks/durabletask/entities/dafx-CallbackAgent/${threadId}?op=${operation}`,
      ...(input !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(input) }),
    });
  }

  const signal = (threadId: string, operation: string, input?: unknown) => entity('POST', threadId, operation, input);

  async function history(threadId: string): Promise<unknown[]> {
    const { text } = await entity('GET', threadId);
    return JSON.parse(text).data.conversationHistory;
  }

  it('contains each request and its response in the format of other versions of the extension', async () => {
    const threadId = newThreadId();
    const { correlation_id: correlationId, response } = await target.api.ask(threadId, 'Hello');
    const { text } = await entity('GET', threadId);
    // Compares text because the order of keys matters: `$type` comes first.
    const times = [...text.matchAll(/"createdAt":"([^"]*)"/g)].map(([, time]) => time);
    expect(times).toEqual([TIME, TIME, TIME, TIME]);
    expect(text).toBe(
      JSON.stringify({
        schemaVersion: '1.1.0',
        data: {
          conversationHistory: [
            {
              $type: 'request',
              correlationId,
              createdAt: times[0],
              messages: [{ role: 'user', contents: [{ $type: 'text', text: 'Hello' }], createdAt: times[1] }],
              responseType: 'json',
            },
            {
              $type: 'response',
              correlationId,
              createdAt: times[2],
              messages: [
                {
                  role: 'assistant',
                  contents: [{ $type: 'text', text: response }],
                  createdAt: times[3],
                  authorName: 'CallbackAgent',
                },
              ],
              usage: { inputTokenCount: 7, outputTokenCount: 7, totalTokenCount: 14 },
            },
          ],
        },
      }),
    );
  });

  it('keeps a failed turn with its error', async () => {
    const threadId = newThreadId();
    await target.api.run({ message: 'Fail', thread_id: threadId });
    const error = { $type: 'error', message: 'The model deployment was not found.', errorCode: 'deployment_not_found' };
    expect(await history(threadId)).toMatchObject([
      { $type: 'request', messages: [{ contents: [{ $type: 'text', text: 'Fail' }] }] },
      { $type: 'response', messages: [{ role: 'assistant', contents: [error], authorName: 'CallbackAgent' }] },
    ]);
  });

  it.each(['run', 'run_agent'])(
    'accepts a run through the signal %s, and ignores the same one again',
    async (operation) => {
      const threadId = newThreadId();
      const run = {
        message: `Signalled ${threadId}`,
        correlationId: '59650737951c41c2ab743c21cb257349',
        createdAt: '2026-01-07T15:40:00.123456+00:00',
      };
      expect(await signal(threadId, operation, run)).toMatchObject({ status: 202 });
      const events = await target.api.eventsOfEndedRuns(threadId, 1);
      await signal(threadId, operation, run);
      expect(await target.api.ask(threadId, 'Hello')).toMatchObject({ message_count: 4 });
      expect((await target.api.events(threadId)).slice(0, events.length)).toEqual(events);
      const asked = target.model.requests.filter(({ body }) => body.messages.at(-1)?.content === run.message);
      expect(asked).toHaveLength(1);
    },
  );

  it('is emptied by the signal reset, which keeps the events', async () => {
    const threadId = newThreadId();
    await target.api.ask(threadId, 'Hello');
    const events = await target.api.events(threadId);
    await signal(threadId, 'reset');
    await eventually(async () => expect(await history(threadId)).toEqual([]));
    expect(await target.api.ask(threadId, 'Hello')).toMatchObject({ message_count: 2 });
    expect((await target.api.events(threadId)).slice(0, events.length)).toEqual(events);
  });

  it.each([
    ['an unknown operation', 'destroy', undefined],
    ['a run without a message', 'run', { correlationId: '59650737951c41c2ab743c21cb257349' }],
    ['a run whose input is not an object', 'run', 'Hello'],
  ])('is not changed by %s', async (_what, operation, input) => {
    const threadId = newThreadId();
    await target.api.ask(threadId, 'Hello');
    const { text } = await entity('GET', threadId);
    await signal(threadId, operation, input);
    const { message_count: count } = await target.api.ask(threadId, 'Hello again');
    expect(count).toBe(4);
    expect(JSON.stringify((await history(threadId)).slice(0, 2))).toBe(
      JSON.stringify(JSON.parse(text).data.conversationHistory),
    );
  });
});
