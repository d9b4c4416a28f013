import { LLMock } from '@copilotkit/aimock';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { chatAgent } from '../support/ask-model.js';
import { chunk, completion, content, finishChunk } from '../support/model-chunks.js';
import { answered, startModelServer, streamed } from '../support/model-server.js';
import { RecordingCallback } from '../support/recording-callback.js';
import { runAgentOnce } from '../support/run-agent-once.js';

/** Takes a turn with the model at this endpoint, watched by a callback. */
async function turnWith(endpoint: string) {
  const callback = new RecordingCallback();
  const turn = await runAgentOnce(chatAgent({ endpoint }), { callback });
  return { callback, content: turn.response.messages?.[0]?.contents?.[0], updates: callback.updates };
}

describe('a turn over an independent mock of the model', () => {
  const mock = new LLMock({ port: 0, host: '127.0.0.1' });
  const everything = { predicate: () => true };

  beforeAll(() => mock.start());
  afterAll(() => mock.stop());
  beforeEach(() => {
    mock.clearFixtures();
    mock.clearRequests();
    mock.resetMatchCounts();
  });

  it('streams text that is cut in the middle of surrogate pairs', async () => {
    const words = 'Sun 🌞, clouds ⛅ and a family 👨‍👩‍👧‍👦 under 🌈🌈🌈.';
    mock.on(everything, { content: words }, { chunkSize: 1 });

    const { callback, updates } = await turnWith(mock.url);

    expect(updates.every(({ text }) => text.isWellFormed())).toBe(true);
    expect(updates.map(({ text }) => text).join('')).toBe(words);
    expect(callback.responses).toMatchObject([{ text: words, usage: { totalTokenCount: expect.any(Number) } }]);
  });

  it('tells reasoning from the answer', async () => {
    mock.on(everything, { content: 'Sunny.', reasoning: 'Look outside.' });

    const { callback, updates } = await turnWith(mock.url);

    expect(updates[0]?.kind).toBe('reasoning');
    expect(callback.responses).toMatchObject([{ text: 'Sunny.' }]);
  });

  it('gets over a rate limit that passes', async () => {
    const limit = { error: { message: 'Slow down', type: 'rate_limit' }, status: 429, retryAfter: 0 };
    mock.on({ ...everything, sequenceIndex: 0 }, limit);
    mock.on(everything, { content: 'Sunny.' });

    const { callback } = await turnWith(mock.url);

    expect(mock.getRequests()).toHaveLength(2);
    expect(callback.responses).toMatchObject([{ text: 'Sunny.' }]);
  });

  it('fails at a rate limit that stays, and names the wait', async () => {
    mock.on(everything, { error: { message: 'Slow down', type: 'rate_limit' }, status: 429, retryAfter: 1 });

    expect((await turnWith(mock.url)).content).toEqual({
      $type: 'error',
      message: 'The model is over its rate limit. Try again in 1 s.',
      errorCode: 'rate_limited',
      details: { retryAfterSeconds: 1 },
    });
    expect(mock.getRequests()).toHaveLength(3);
  });

  it.each([
    {
      what: 'a model that is broken',
      response: { error: { message: 'Down' }, status: 500 },
      options: {},
      code: 'model_unavailable',
    },
    {
      what: 'a stream that is truncated',
      response: { content: 'Sunny all day.' },
      options: { chunkSize: 2, latency: 30, truncateAfterChunks: 3 },
      code: 'connection_lost',
    },
    {
      what: 'a connection that is cut',
      response: { content: 'Sunny all day.' },
      options: { chunkSize: 2, latency: 30, disconnectAfterMs: 100 },
      code: 'connection_lost',
    },
  ])('fails at $what', async ({ response, options, code }) => {
    mock.on(everything, response, options);

    const { callback, content: told } = await turnWith(mock.url);

    expect(told).toMatchObject({ $type: 'error', errorCode: code });
    expect(callback.calls.at(-1)).toBe('onAgentError');
    expect(callback.responses).toEqual([]);
  });

  it('fails at an answer that is malformed, after one more try without streaming', async () => {
    mock.on(everything, { content: 'Sunny.' }, { chaos: { malformedRate: 1 } });

    expect((await turnWith(mock.url)).content).toMatchObject({ $type: 'error', errorCode: 'malformed_response' });
    expect(mock.getRequests()).toHaveLength(2);
  });
});

describe('a turn over a stream that breaks', () => {
  const sunny = streamed([content('Sunny.'), finishChunk()]);

  it.each([
    { when: 'no chunk came', first: streamed([]) },
    { when: 'nothing visible came', first: streamed([chunk({ role: 'assistant', content: '' })], 'cut') },
    { when: 'half a surrogate pair came', first: streamed([content('\uD83C')], 'cut') },
  ])('starts again when $when', async ({ first }) => {
    const { endpoint, requests } = await startModelServer(first, sunny);

    const { callback } = await turnWith(endpoint);

    expect(requests).toHaveLength(2);
    expect(callback.calls).toEqual(['onAgentStart', 'onStreamingResponseUpdate', 'onAgentResponse']);
  });

  it('fails when a piece of the answer was seen', async () => {
    const { endpoint, requests } = await startModelServer(streamed([content('Su')], 'cut'), sunny);

    const { callback } = await turnWith(endpoint);

    expect(requests).toHaveLength(1);
    expect(callback.calls).toEqual(['onAgentStart', 'onStreamingResponseUpdate', 'onAgentError']);
  });

  it('asks for the whole answer at once when the model refuses to stream', async () => {
    const { endpoint, requests } = await startModelServer(
      answered(400, { error: { message: 'Unsupported value', param: 'stream', code: 'unsupported_value' } }),
      answered(200, completion({ content: 'Sunny.' })),
    );

    const { callback, updates } = await turnWith(endpoint);

    expect(requests.map(({ body }) => body)).toMatchObject([{ stream: true }, { model: 'gpt-4o' }]);
    expect(requests[1]?.body).not.toHaveProperty('stream');
    expect(updates).toEqual([{ kind: 'text', text: 'Sunny.' }]);
    expect(callback.responses).toMatchObject([{ text: 'Sunny.' }]);
  });
});
