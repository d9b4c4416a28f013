import { describe, expect, it } from 'vitest';
import { finish, reasoning, text } from '../support/agent-parts.js';
import { API_KEY, askModel, partsOf } from '../support/ask-model.js';
import { chunk, completion, content, finishChunk, promptFilterChunk, usageChunk } from '../support/model-chunks.js';
import { answered, startModelServer, streamed } from '../support/model-server.js';

const counts = { prompt_tokens: 59, completion_tokens: 14, total_tokens: 73 };
const usage = { inputTokenCount: 59, outputTokenCount: 14, totalTokenCount: 73 };

describe('a streamed answer', () => {
  it('yields its pieces, then a finish with usage', async () => {
    const { endpoint } = await startModelServer(
      streamed([
        promptFilterChunk,
        chunk({ role: 'assistant', content: '' }),
        content('It is '),
        content('sunny.'),
        finishChunk(),
        usageChunk(counts),
      ]),
    );

    expect(await partsOf({ endpoint })).toEqual([text('It is '), text('sunny.'), finish({ usage })]);
  });

  it('yields each piece before the model has finished', async () => {
    const { endpoint } = await startModelServer(streamed([content('It is ')], 'stall'));

    for await (const part of askModel({ endpoint })) {
      expect(part).toEqual(text('It is '));
      break;
    }
  });

  it.each([
    {
      what: 'reasoning before text',
      events: [chunk({ reasoning_content: 'Hm.' }), content('Yes.')],
      parts: [reasoning('Hm.'), text('Yes.')],
    },
    {
      what: 'reasoning and text in one chunk',
      events: [chunk({ reasoning_content: 'Hm.', content: 'Yes.' })],
      parts: [reasoning('Hm.'), text('Yes.')],
    },
    {
      what: 'a refusal',
      events: [chunk({ refusal: 'I cannot ' }), chunk({ refusal: 'do that.' })],
      parts: [text('I cannot '), text('do that.')],
    },
    { what: 'nothing at all', events: [chunk({ content: null })], parts: [] },
    {
      what: 'words beside the finish reason',
      events: [content('It is '), chunk({ content: 'sunny.' }, 'stop')],
      parts: [text('It is '), text('sunny.')],
    },
    {
      what: 'a chunk of the asynchronous filter, which has no delta',
      events: [
        content('Yes.'),
        { ...chunk({}), choices: [{ index: 0, finish_reason: null, content_filter_offsets: {} }] },
      ],
      parts: [text('Yes.')],
    },
  ])('may contain $what', async ({ events, parts }) => {
    const { endpoint } = await startModelServer(streamed([...events, finishChunk()]));

    expect(await partsOf({ endpoint })).toEqual([...parts, finish()]);
  });

  it('reports that it reached the token limit', async () => {
    const { endpoint } = await startModelServer(streamed([content('It is'), finishChunk('length')]));

    expect(await partsOf({ endpoint })).toEqual([text('It is'), finish({ finishReason: 'length' })]);
  });

  it.each([
    {},
    { prompt_tokens: 'many', completion_tokens: null, total_tokens: 3 },
    { ...counts, total_tokens: -1 },
    [],
  ])('ignores malformed usage: %j', async (broken) => {
    const { endpoint } = await startModelServer(streamed([finishChunk(), usageChunk(broken)]));

    expect(await partsOf({ endpoint })).toEqual([finish()]);
  });

  it.each([
    { what: 'no usage', details: undefined, extra: undefined },
    {
      what: 'cached and reasoning tokens',
      details: { prompt_tokens_details: { cached_tokens: 32 }, completion_tokens_details: { reasoning_tokens: 0 } },
      extra: { cached_input_token_count: 32, reasoning_output_token_count: 0 },
    },
    {
      what: 'counts of null as not reported',
      details: { prompt_tokens_details: { cached_tokens: null }, completion_tokens_details: null },
      extra: undefined,
    },
    {
      what: 'other details only',
      details: { prompt_tokens_details: { audio_tokens: 0 }, completion_tokens_details: null },
      extra: undefined,
    },
  ])('reports $what', async ({ details, extra }) => {
    const tail = details === undefined ? [] : [usageChunk({ ...counts, ...details })];
    const { endpoint } = await startModelServer(streamed([finishChunk(), ...tail]));

    const expected = details === undefined ? finish() : finish({ usage: { ...usage, ...(extra && { extra }) } });
    expect(await partsOf({ endpoint })).toEqual([expected]);
  });

  it.each([
    { when: 'the connection is cut', end: 'cut' },
    { when: 'nothing more comes', end: 'stall' },
    { when: '[DONE] is left out', end: 'clean' },
  ] as const)('is complete if $when after the finish reason', async ({ end }) => {
    const { endpoint } = await startModelServer(streamed([content('Sunny.'), finishChunk()], end));

    expect(await partsOf({ endpoint, streamIdleTimeoutMs: 100 })).toEqual([text('Sunny.'), finish()]);
  });
});

describe('an answer that is not streamed', () => {
  it('yields one piece, then a finish with usage', async () => {
    const { endpoint, requests } = await startModelServer(
      answered(200, completion({ content: 'Sunny.' }, 'stop', counts)),
    );

    expect(await partsOf({ endpoint, streaming: false })).toEqual([text('Sunny.'), finish({ usage })]);
    expect(requests[0]?.body).not.toHaveProperty('stream');
    expect(requests[0]?.body).not.toHaveProperty('stream_options');
  });

  it.each([
    { what: 'a refusal', message: { content: null, refusal: 'No.' }, parts: [text('No.')] },
    {
      what: 'reasoning',
      message: { content: 'Yes.', reasoning_content: 'Hm.' },
      parts: [reasoning('Hm.'), text('Yes.')],
    },
    { what: 'no words', message: { content: null }, parts: [] },
  ])('may contain $what', async ({ message, parts }) => {
    const { endpoint } = await startModelServer(answered(200, completion(message, 'length')));

    expect(await partsOf({ endpoint, streaming: false })).toEqual([...parts, finish({ finishReason: 'length' })]);
  });

  it.each([
    { what: 'was filtered', body: completion({ content: null }, 'content_filter'), code: 'content_filter' },
    { what: 'calls tools', body: completion({ content: null }, 'tool_calls'), code: 'unexpected_finish_reason' },
    { what: 'has no choice', body: { ...completion({}), choices: [] }, code: 'empty_response' },
    { what: 'has no choices', body: {}, code: 'empty_response' },
  ])('fails if it $what', async ({ body, code }) => {
    const { endpoint } = await startModelServer(answered(200, body));

    await expect(partsOf({ endpoint, streaming: false })).rejects.toMatchObject({ name: 'AgentError', code });
  });
});

describe('the request to the model', () => {
  it('has the format of Azure OpenAI, with the instructions first', async () => {
    const { endpoint, requests } = await startModelServer(streamed([finishChunk()]));

    await partsOf({ endpoint, apiVersion: '2025-01-01-preview' });

    expect(requests).toHaveLength(1);
    expect(requests[0]).toMatchObject({
      method: 'POST',
      path: '/openai/deployments/gpt-4o/chat/completions?api-version=2025-01-01-preview',
      headers: { 'api-key': API_KEY },
    });
    expect(requests[0]?.headers).not.toHaveProperty('authorization');
    expect(requests[0]?.body).toEqual({
      model: 'gpt-4o',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hi' },
      ],
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  it('accepts an endpoint that ends with a slash', async () => {
    const { endpoint, requests } = await startModelServer(streamed([finishChunk()]));

    await partsOf({ endpoint: `${endpoint}/` });

    expect(requests[0]?.path).toMatch(/^\/openai\/deployments\//);
  });
});
