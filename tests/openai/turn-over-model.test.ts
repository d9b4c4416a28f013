import { LLMock } from '@copilotkit/aimock';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { chatAgent } from '../support/ask-model.js';
import { chunk, completion, content, finishChunk } from '../support/model-chunks.js';
import { answered, startModelServer, streamed } from '../support/model-server.js';
import { RecordingCallback } from '../../src/durable-agents/testing/recording-callback.js';
import { runAgentOnce } from '../support/run-agent-once.js';

/** Runs a turn with the model at this endpoint and a recording callback. */
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

  it('streams text that is split within surrogate pairs', async () => {
    const words = 'Sun 🌞, clouds ⛅ and a family 👨‍👩‍👧‍👦 under 🌈🌈🌈.';
    mock.on(everything, { content: words }, { chunkSize: 1 });

    const { callback, updates } = await turnWith(mock.url);

    expect(updates.every(({ text }) => text.isWellFormed())).toBe(true);
    expect(updates.map(({ text }) => text).join('')).toBe(words);
    expect(callback.responses).toMatchObject([{ text: words, usage: { totalTokenCount: expect.any(Number) } }]);
  });

  it('separates reasoning from the answer', async () => {
    mock.on(everything, { content: 'Sunny.', reasoning: 'Look outside.' });

    const { callback, updates } = await turnWith(mock.url);

    expect(updates[0]?.kind).toBe('reasoning');
    expect(callback.responses).toMatchObject([{ text: 'Sunny.' }]);
  });

  it('retries after a short rate limit', async () => {
    const limit = { error: { message: 'Slow down', type: 'rate_limit' }, status: 429, retryAfter: 0 };
    mock.on({ ...everything, sequenceIndex: 0 }, limit);
    mock.on(everything, { content: 'Sunny.' });

    const { callback } = await turnWith(mock.url);

    expect(mock.getRequests()).toHaveLength(2);
    expect(callback.responses).toMatchObject([{ text: 'Sunny.' }]);
  });

  it('fails after a lasting rate limit, and reports the wait', async () => {
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
  ])('fails after $what', async ({ response, options, code }) => {
    mock.on(everything, response, options);

    const { callback, content: told } = await turnWith(mock.url);

    expect(told).toMatchObject({ $type: 'error', errorCode: code });
    expect(callback.calls.at(-1)).toBe('onAgentError');
    expect(callback.responses).toEqual([]);
  });

  it('fails after a malformed answer and one retry without streaming', async () => {
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
  ])('restarts if $when', async ({ first }) => {
    const { endpoint, requests } = await startModelServer(first, sunny);

    const { callback } = await turnWith(endpoint);

    expect(requests).toHaveLength(2);
    expect(callback.calls).toEqual(['onAgentStart', 'onStreamingResponseUpdate', 'onAgentResponse']);
  });

  it('fails if a piece of the answer was visible', async () => {
    const { endpoint, requests } = await startModelServer(streamed([content('Su')], 'cut'), sunny);

    const { callback } = await turnWith(endpoint);

    expect(requests).toHaveLength(1);
    expect(callback.calls).toEqual(['onAgentStart', 'onStreamingResponseUpdate', 'onAgentError']);
  });

  it('retries without streaming if the model rejects streaming', async () => {
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
