import { describe, expect, it } from 'vitest';
import { AgentError } from '../../src/durable-agents/errors.js';
import type { ChatModel, ModelPart } from '../../src/durable-agents/tools/chat-model.js';
import { finish, text } from '../support/agent-parts.js';
import { chatAgent, chatModel, failureOf, partsOf } from '../support/ask-model.js';
import { content, finishChunk } from '../support/model-chunks.js';
import { answered, rawStream, startModelServer, streamed } from '../support/model-server.js';
import { runAgentOnce } from '../support/run-agent-once.js';

const AT_ONCE = { 'x-should-retry': 'false' };
const sunny = streamed([content('Sunny.'), finishChunk()]);

async function collectParts(model: ChatModel): Promise<ModelPart[]> {
  const parts: ModelPart[] = [];
  const { signal } = new AbortController();
  for await (const part of model.ask({ messages: [], tools: [], signal, streaming: true })) parts.push(part);
  return parts;
}

describe('an error inside a stream', () => {
  it.each([
    [
      'a rate limit',
      { error: { code: 'rate_limit_exceeded', message: 'Retry after 7 seconds.' } },
      'rate_limited',
      undefined,
    ],
    ['a numeric rate limit code', { error: { code: 429, message: 'Slow down' } }, 'rate_limited', undefined],
    ['an overload', { error: { type: 'overloaded_error', message: 'Overloaded' } }, 'model_unavailable', 'retry'],
    ['a server error', { error: { type: 'server_error', message: 'Oops', code: null } }, 'model_unavailable', 'retry'],
    ['a status as code', { error: { code: '503', message: 'No capacity' } }, 'model_unavailable', 'retry'],
    [
      'a conversation that is too long',
      { error: { code: 'context_length_exceeded', message: 'Too long' } },
      'context_length_exceeded',
      undefined,
    ],
    ['a filtered prompt', { error: { code: 'content_filter', message: 'No' } }, 'content_filter', undefined],
    [
      'an error without a member of this name',
      { object: 'error', message: 'Engine stopped', type: 'InternalServerError', code: 500 },
      'model_unavailable',
      'retry',
    ],
    [
      'an error in a choice',
      { choices: [{ index: 0, delta: {}, finish_reason: 'error', error: { code: 502, message: 'Overloaded' } }] },
      'model_unavailable',
      'retry',
    ],
    ['a code and a message', { code: '429', message: 'Slow down' }, 'rate_limited', undefined],
    ['a detail', { detail: 'Internal server error' }, 'model_unavailable', 'retry'],
    ['a timeout', { error: { code: 408, message: 'The operation was timeout.' } }, 'model_timeout', undefined],
    ['text alone', { error: 'Something broke' }, 'model_error', undefined],
    ['an unknown error', { error: { message: 'Something broke' } }, 'model_error', undefined],
  ])('gets the same code as an error response if it comes first: %s', async (_what, event, code, recovery) => {
    expect(await failureOf(streamed([event]))).toMatchObject({ code, recovery });
  });

  it('may be a separate event', async () => {
    const overloaded = 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error"}}\n\n';
    expect(await failureOf(rawStream([overloaded]))).toMatchObject({ code: 'model_unavailable' });
    expect(await failureOf(rawStream(['event: error\ndata: upstream failed\n\n']))).toMatchObject({
      code: 'model_error',
    });
  });

  it('may be the whole body of a 200', async () => {
    expect(await failureOf(answered(200, { error: { code: '429', message: 'Slow down' } }))).toMatchObject({
      code: 'rate_limited',
    });
  });

  it('is retried by the run if it is an overload and comes first', async () => {
    const overload = streamed([{ error: { type: 'overloaded_error', message: 'Overloaded' } }]);
    const { endpoint, requests } = await startModelServer(overload, sunny);

    const { response } = await runAgentOnce(chatAgent({ endpoint }));

    expect(response.messages?.[0]?.contents).toEqual([{ $type: 'text', text: 'Sunny.' }]);
    expect(requests).toHaveLength(2);
  });

  it('is not retried after a visible piece', async () => {
    const broken = streamed([content('Sun'), { error: { type: 'overloaded_error', message: 'Overloaded' } }]);
    expect(await failureOf(broken)).toMatchObject({ code: 'model_error', recovery: undefined });
  });
});

describe('an endpoint that rejects stream_options', () => {
  it.each([
    [400, { error: { message: 'Unrecognized request argument supplied: stream_options' } }],
    [400, { error: { message: 'Unknown field', param: 'stream_options.include_usage' } }],
    [400, { error: { message: "'include_usage' is not allowed" } }],
    [
      422,
      { detail: [{ type: 'extra_forbidden', loc: ['body', 'stream_options'], msg: 'Extra inputs are not permitted' }] },
    ],
    [422, { detail: 'Extra inputs are not permitted' }],
    [400, { message: 'unknown field "stream_options"' }],
    [400, "Additional properties are not allowed ('stream_options' was unexpected)"],
    [400, { error: 'Unsupported parameter: stream options' }],
    [501, { error: { message: 'stream_options is not implemented' } }],
    [500, { error: { message: "unexpected keyword argument 'stream_options'" } }],
  ])('(%i %j) is called again without it, and never with it later', async (status, body) => {
    const { endpoint, requests } = await startModelServer(answered(status, body, AT_ONCE), sunny);
    const model = chatModel({ endpoint });
    const run = () => collectParts(model);

    expect(await run()).toEqual([text('Sunny.'), finish()]);
    expect(await run()).toEqual([text('Sunny.'), finish()]);

    expect(requests.map((request) => request.body)).toMatchObject([
      { stream_options: {} },
      { stream: true },
      { stream: true },
    ]);
    for (const { body: repeated } of requests.slice(1)) expect(repeated).not.toHaveProperty('stream_options');
  });

  it.each([
    [400, { error: { message: "Unsupported value: 'temperature' does not support 0.2", param: 'temperature' } }],
    [400, { error: { message: "Unsupported parameter: 'max_completion_tokens'" } }],
    [400, { error: { message: 'The response was filtered', code: 'content_filter' } }],
    [401, { error: { message: 'stream_options' } }],
  ])('is not assumed for other errors, which are not retried (%i %j)', async (status, body) => {
    const { endpoint, requests } = await startModelServer(answered(status, body));

    await expect(partsOf({ endpoint })).rejects.toBeInstanceOf(AgentError);
    expect(requests).toHaveLength(1);
  });
});

describe('an endpoint that rejects streaming', () => {
  it.each([
    [400, { error: { message: "Unsupported value: 'stream' does not support true", param: 'stream' } }],
    [422, { detail: [{ loc: ['body', 'stream'], msg: 'streaming is not supported' }] }],
    [400, { error: { message: 'Your organization must be verified to stream this model.' } }],
    [405, { error: 'Streaming is not allowed' }],
    [501, { error: { message: 'Streaming is not supported.' } }],
  ])('(%i %j) allows a retry without streaming', async (status, body) => {
    expect(await failureOf(answered(status, body))).toMatchObject({
      code: 'model_rejected_request',
      recovery: 'retry-without-streaming',
    });
  });
});

describe('an error response', () => {
  it.each([
    [400, { error: { code: 'context_length_exceeded', message: 'too long' } }, 'context_length_exceeded'],
    [400, { error: { message: "This model's maximum context length is 8192 tokens." } }, 'context_length_exceeded'],
    [413, { error: { message: 'prompt is too long: 210000 tokens > 200000 maximum' } }, 'context_length_exceeded'],
    [422, { detail: 'Input exceeds the context window' }, 'context_length_exceeded'],
    [
      400,
      { error: { code: 400, message: 'the request exceeds the available context size', type: 'invalid_request' } },
      'context_length_exceeded',
    ],
    [500, { error: { code: 500, message: 'too large', type: 'exceed_context_size_error' } }, 'context_length_exceeded'],
    [
      400,
      { error: { message: 'input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000' } },
      'context_length_exceeded',
    ],
    [400, { error: "This model's maximum prompt length is 131072." }, 'context_length_exceeded'],
    [
      400,
      { error: { code: 400, message: 'The input token count (1200000) exceeds the maximum number of tokens.' } },
      'context_length_exceeded',
    ],
    [
      400,
      { error: { message: 'max_tokens is too large: 200000. This model supports at most 16384 completion tokens.' } },
      'model_rejected_request',
    ],
    [
      404,
      { error: { code: 'DeploymentNotFound', message: 'The API deployment does not exist.' } },
      'deployment_not_found',
    ],
    [404, { error: { code: 'model_not_found', message: 'The model `gpt` does not exist' } }, 'deployment_not_found'],
    [400, { error: { code: 'unknown_model', message: 'Unknown model: gpt' } }, 'deployment_not_found'],
    [400, { error: { code: 'unavailable_model', message: 'Unavailable model: gpt' } }, 'deployment_not_found'],
    [400, { error: { code: 400, message: 'acme/gpt is not a valid model ID' } }, 'deployment_not_found'],
    [400, { error: { type: 'invalid_request_error', message: 'Model Not Exist' } }, 'deployment_not_found'],
    [400, { object: 'error', type: 'invalid_model', message: 'Invalid model: gpt' }, 'deployment_not_found'],
    [400, { error: { code: '400', message: 'Invalid model name passed in model=gpt' } }, 'deployment_not_found'],
    [404, { error: { code: '404', message: 'Resource not found' } }, 'endpoint_not_found'],
    [404, { statusCode: 404, message: 'Resource not found' }, 'endpoint_not_found'],
    [404, '<html>no such model page</html>', 'endpoint_not_found'],
    [404, '', 'endpoint_not_found'],
    [403, { error: { message: 'Forbidden' } }, 'authentication_failed'],
    [
      403,
      { statusCode: 403, message: 'Out of call volume quota. Quota will be replenished in 00:12:33.' },
      'rate_limited',
    ],
    [400, [{ error: { code: 400, message: 'Bad' } }], 'model_rejected_request'],
  ])('(%i %j) has the code %s', async (status, body, code) => {
    expect(await failureOf(answered(status, body))).toMatchObject({ code });
  });

  it.each([
    'Access denied due to Virtual Network/Firewall rules.',
    'Public access is disabled. Use a private endpoint.',
  ])('about the network is not blamed on the key: %s', async (message) => {
    expect(await failureOf(answered(403, { error: { code: '403', message } }))).toMatchObject({
      code: 'authentication_failed',
      message: 'The network rules of the model refuse this app.',
    });
  });

  it('for an unknown path suggests checking the endpoint', async () => {
    const failure = await failureOf(answered(404, { error: { code: '404', message: 'Resource not found' } }));
    expect(failure.message).toBe('The model endpoint does not know the path. Check AZURE_OPENAI_ENDPOINT.');
  });
});
