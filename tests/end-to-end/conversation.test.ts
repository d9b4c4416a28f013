import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { finalEvents, newThreadId, streamEvents } from '../support/agent-api.js';
import { type AppWithModel, startAppWithModel } from '../support/app-with-model.js';
import { API_KEY } from '../support/scripted-model.js';
import { echoed } from '../support/echoed.js';
import { eventually } from '../support/eventually.js';
import { createGate } from '../support/gate.js';
import { holdLast } from '../support/hold-last.js';
import { numberedPieces } from '../support/numbered-pieces.js';
import type { ModelAnswer } from '../support/scripted-model.js';

const slowAnswerMayEnd = createGate();
/** Answers of the model, by message. */
const answers: Readonly<Record<string, ModelAnswer>> = {
  'cut characters': { pieces: ['Hi \uD83D', '\uDE00!', ' \uD83D'] },
  'nothing at all': { pieces: [] },
  'empty pieces': { pieces: ['', 'It', '', ' is', ''] },
  'no usage': { pieces: ['It is'], withUsage: false },
  'a long answer': { pieces: ['It is'], finishReason: 'length' },
  'a slow answer': { pieces: holdLast(numberedPieces(20), slowAnswerMayEnd), pauseMs: 50 },
};

describe('a conversation', () => {
  let target: AppWithModel;

  beforeAll(async () => {
    target = await startAppWithModel((message) => answers[message] ?? echoed(message), {
      OPENAI_BASE_URL: 'http://127.0.0.1:9/not-this-one',
    });
  });

  afterAll(() => target.stop());

  /** The messages of the last model request, without the agent's instructions. */
  const lastHeard = () => target.model.requests.at(-1)?.body.messages.slice(1);

  it('uses the deployment of the settings, streaming and with usage', async () => {
    await target.api.ask(newThreadId(), 'Hello');
    expect(target.model.requests.at(-1)).toMatchObject({
      path: '/openai/deployments/test-deployment/chat/completions?api-version=2024-10-21',
      headers: { 'api-key': API_KEY },
      body: { model: 'test-deployment', stream: true, stream_options: { include_usage: true } },
    });
  });

  it('ignores OPENAI_BASE_URL with a warning', async () => {
    await expect.poll(() => target.app.output()).toContain('OPENAI_BASE_URL is set and ignored');
  });

  it('starts with the instructions of the agent', async () => {
    await target.api.ask(newThreadId(), 'Hello');
    const [instructions] = target.model.requests.at(-1)?.body.messages ?? [];
    expect(instructions).toEqual({
      role: 'system',
      content: expect.stringMatching(/friendly.*narrates.*concise.*callbacks/s),
    });
  });

  it('is sent to the model from the start', async () => {
    const threadId = newThreadId();
    const { response } = await target.api.ask(threadId, 'Hello');
    await target.api.ask(threadId, 'Who am I?');
    expect(lastHeard()).toEqual([
      { role: 'user', content: 'Hello' },
      { role: 'assistant', content: response },
      { role: 'user', content: 'Who am I?' },
    ]);
  });

  it.each(['user', 'assistant', 'system'])('accepts a message with the role %s', async (role) => {
    await target.api.run({ message: 'Hello', role });
    expect(lastHeard()).toEqual([{ role, content: 'Hello' }]);
  });

  it('processes simultaneous messages in order, and each sees the previous ones', async () => {
    const threadId = newThreadId();
    const asked = target.model.requests.length;
    const runs = await Promise.all(
      Array.from({ length: 20 }, (_, index) => target.api.ask(threadId, `Message ${index}`)),
    );
    const counts = runs.map((run) => run.message_count).toSorted((one, other) => one - other);
    expect(counts).toEqual(Array.from({ length: 20 }, (_, index) => 2 * (index + 1)));
    const heard = target.model.requests.slice(asked).map(({ body }) => body.messages.slice(1));
    for (const [index, messages] of heard.entries()) {
      expect(messages).toHaveLength(2 * index + 1);
      expect(messages.slice(0, -1)).toEqual(heard[index + 1]?.slice(0, messages.length - 1) ?? messages.slice(0, -1));
    }
  });

  it('joins a character that the model splits', async () => {
    const { thread_id: threadId, response } = await target.api.ask(newThreadId(), 'cut characters');
    expect(response).toBe('Hi 😀! \uFFFD');
    const events = await target.api.events(threadId);
    expect(streamEvents(events).map(({ text }) => text)).toEqual(['Hi ', '😀!', ' ', '\uFFFD']);
    expect(finalEvents(events)).toMatchObject([{ response_text: response }]);
  });

  it('accepts half a surrogate pair in a message', async () => {
    const threadId = newThreadId();
    expect(await target.api.ask(threadId, 'Hi \uD83D')).toMatchObject({ message: 'Hi \uD83D' });
    expect((await target.api.events(threadId)).at(-1)).toMatchObject({ request_message: 'Hi \uD83D' });
  });

  it('records no event for an empty piece', async () => {
    const { thread_id: threadId, response } = await target.api.ask(newThreadId(), 'empty pieces');
    expect(response).toBe('It is');
    expect(streamEvents(await target.api.events(threadId)).map(({ text }) => text)).toEqual(['It', ' is']);
  });

  it('accepts an empty answer', async () => {
    const { thread_id: threadId, response } = await target.api.ask(newThreadId(), 'nothing at all');
    expect(response).toBe('');
    expect(await target.api.events(threadId)).toMatchObject([{ event_type: 'final', response_text: '' }]);
  });

  it.each([
    ['no usage', { usage: null, finish_reason: 'stop' }],
    ['a long answer', { finish_reason: 'length' }],
    [
      'Hello',
      {
        usage: {
          type: 'usage_details',
          input_token_count: 7,
          output_token_count: expect.any(Number),
          total_token_count: expect.any(Number),
        },
      },
    ],
  ])('records usage and finish reason of the answer to "%s"', async (message, expected) => {
    const { thread_id: threadId } = await target.api.ask(newThreadId(), message);
    expect(finalEvents(await target.api.events(threadId))).toMatchObject([expected]);
  });

  it('is readable while the model is still streaming', async () => {
    const threadId = newThreadId();
    await target.api.run({ message: 'a slow answer', thread_id: threadId, wait_for_response: false });
    const early = await eventually(async () => {
      const events = await target.api.events(threadId);
      expect(events.length).toBeGreaterThan(2);
      return events;
    });
    expect(early.map((event) => event.event_type)).not.toContain('final');
    slowAnswerMayEnd.open();
    const all = await target.api.eventsOfEndedRuns(threadId, 1);
    expect(all.slice(0, early.length)).toEqual(early);
    expect(streamEvents(all)).toHaveLength(20);
  });

  it('logs each update with agent and correlation id', async () => {
    const { correlation_id: id, thread_id: threadId } = await target.api.ask(newThreadId(), 'empty pieces');
    const lines = () =>
      target.app
        .output()
        .split('\n')
        .flatMap((line) => line.split(`[CallbackAgent][${id}] `).slice(1));
    await expect
      .poll(lines)
      .toEqual([
        `run started (thread ${threadId})`,
        'streaming chunk: It',
        'streaming chunk:  is',
        'final response recorded',
        `run answered (thread ${threadId})`,
      ]);
  });
});
