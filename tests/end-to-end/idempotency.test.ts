import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newThreadId } from '../support/agent-api.js';
import { type AppWithModel, startAppWithModel } from '../support/app-with-model.js';
import { echoed } from '../support/echoed.js';
import type { ModelAnswer } from '../support/scripted-model.js';
import { parseSse } from '../support/sse-events.js';

const SLOW = 'a slow answer';
const FAILING = 'a failure';

const answers: Readonly<Record<string, ModelAnswer>> = {
  [SLOW]: { pieces: Array.from({ length: 30 }, (_, index) => `${index} `), pauseMs: 30 },
  [FAILING]: { status: 400, body: { error: { message: 'Filtered', code: 'content_filter' } } },
};

const streamed = { accept: 'text/event-stream' };

describe('requests with one idempotency key', () => {
  let target: AppWithModel;

  beforeAll(async () => {
    target = await startAppWithModel((message) => answers[message] ?? echoed(message));
  });

  afterAll(() => target.stop());

  /** A new thread whose requests share one key. */
  function createAsker() {
    const [threadId, key] = [newThreadId(), newThreadId()];
    const askedBefore = target.model.requests.length;
    return {
      threadId,
      ask: (message: string, headers: Readonly<Record<string, string>> = {}) =>
        target.api.run({ message, thread_id: threadId }, { headers: { 'idempotency-key': key, ...headers } }),
      modelCalls: () => target.model.requests.length - askedBefore,
    };
  }

  it('cause one model call if they arrive at once, however they are answered', async () => {
    const { ask, modelCalls } = createAsker();

    const [first, second, stream, accepted] = await Promise.all([
      ask(SLOW),
      ask(SLOW),
      ask(SLOW, streamed),
      ask(SLOW, { 'x-ms-wait-for-response': 'false' }),
    ]);

    expect(first).toMatchObject({ status: 200, text: second.text });
    expect(accepted.status).toBe(202);
    const { events } = parseSse(stream.text);
    expect(events.filter(({ event }) => event === 'stream')).toHaveLength(30);
    expect(events.at(-1)).toMatchObject({ event: 'result', data: first.text });
    expect(modelCalls()).toBe(1);
  });

  it('cause one model call if the second arrives during the run, or after other runs', async () => {
    const { threadId, ask, modelCalls } = createAsker();
    const first = ask(SLOW);
    await expect.poll(async () => (await target.api.events(threadId)).length).toBeGreaterThan(3);

    const inTheMiddle = await ask(SLOW, streamed);
    await target.api.ask(threadId, 'Something else');
    const later = await ask(SLOW);

    expect(later).toMatchObject({ status: 200, text: (await first).text });
    const { events } = parseSse(inTheMiddle.text);
    expect(events.filter(({ event }) => event === 'stream')).toHaveLength(30);
    expect(modelCalls()).toBe(2);
  });

  it('cause one model call and get the same answer if it failed', async () => {
    const { ask, modelCalls } = createAsker();

    const [first, second] = await Promise.all([ask(FAILING), ask(FAILING)]);
    const third = await ask(FAILING);
    const stream = await ask(FAILING, streamed);

    expect(first).toMatchObject({ status: 502, text: second.text });
    expect(third).toMatchObject({ status: 502, text: first.text });
    expect(parseSse(stream.text).events.at(-1)).toMatchObject({ event: 'result', data: first.text });
    expect(modelCalls()).toBe(1);
  });

  it('answer only one of two different messages that arrive at once', async () => {
    const { ask, modelCalls } = createAsker();

    const both = await Promise.all([ask(SLOW), ask('Something else')]);

    expect(both.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([200, 409]);
    expect(modelCalls()).toBe(1);
  });
});
