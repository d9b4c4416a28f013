import { Console } from 'node:console';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { PassThrough } from 'node:stream';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { AgentError, type AgentRecovery } from '../../src/durable-agents/errors.js';
import { API_KEY, askModel, partsOf, type Question } from '../support/ask-model.js';
import { chunk, content, finishChunk, promptFilterChunk } from '../support/model-chunks.js';
import { answered, type ModelReply, startModelServer, streamed } from '../support/model-server.js';

/** Error texts of a careless provider, which contain secrets. */
const secrets = (endpoint: string) => `key ${API_KEY} is not valid at ${endpoint}`;

const refused = (status: number, error: object = {}, headers: Readonly<Record<string, string>> = {}): ModelReply => {
  return (response, request) => {
    const message = secrets(`http://${request.headers.host}`);
    answered(status, { error: { message, ...error } }, headers)(response, request);
  };
};

async function failureOf(question: Question): Promise<AgentError> {
  try {
    await partsOf(question);
  } catch (error) {
    if (error instanceof AgentError) return error;
    throw error;
  }
  throw new Error('The model did not fail');
}

const AT_ONCE = { 'x-should-retry': 'false' };
const SOON = { 'retry-after-ms': '1' };

describe('a model call that fails', () => {
  it.each<[when: string, code: string, recovery: AgentRecovery | undefined, reply: ModelReply]>([
    ['the key is refused', 'authentication_failed', undefined, refused(401)],
    ['the identity has no access', 'authentication_failed', undefined, refused(403)],
    ['the deployment is unknown', 'deployment_not_found', undefined, refused(404, { code: 'DeploymentNotFound' })],
    ['the prompt is filtered', 'content_filter', undefined, refused(400, { code: 'content_filter', param: 'prompt' })],
    [
      'the request is too long',
      'context_length_exceeded',
      undefined,
      refused(400, { code: 'context_length_exceeded' }),
    ],
    [
      'streaming is not supported',
      'model_rejected_request',
      'retry-without-streaming',
      refused(400, { param: 'stream' }),
    ],
    [
      'stream options are not supported',
      'model_rejected_request',
      'retry-without-streaming',
      refused(400, { param: 'stream_options' }),
    ],
    ['the rate limit is reached', 'rate_limited', undefined, refused(429, {}, AT_ONCE)],
    ['the model is broken', 'model_unavailable', undefined, refused(500, {}, AT_ONCE)],
    ['a gateway answers with a page', 'model_unavailable', undefined, answered(502, '<html>', AT_ONCE)],
    [
      'an error replaces the first chunk',
      'model_error',
      undefined,
      streamed([{ error: { message: secrets('http://127.0.0.1') } }]),
    ],
    [
      'an error arrives mid-stream',
      'model_error',
      undefined,
      streamed([content('It'), { error: { message: 'Down.', code: '500' } }]),
    ],
    [
      'the filter intervenes mid-stream',
      'content_filter',
      undefined,
      streamed([content('It'), { error: { message: 'No.', code: 'content_filter' } }]),
    ],
    ['the answer is filtered', 'content_filter', undefined, streamed([content('It'), finishChunk('content_filter')])],
    [
      'the answer calls unknown tools',
      'unexpected_finish_reason',
      undefined,
      streamed([chunk({ tool_calls: [] }), finishChunk('tool_calls')]),
    ],
    ['the stream has no chunk', 'empty_response', 'retry', streamed([])],
    ['the stream has neither chunk nor end', 'empty_response', 'retry', streamed([], 'clean')],
    ['the answer is not a stream', 'empty_response', 'retry-without-streaming', answered(200, { choices: [] })],
    ['a text is not a string', 'malformed_response', 'retry', streamed([chunk({ content: ['It'] })])],
    ['a chunk is a text', 'malformed_response', 'retry', streamed(['"Sunny."'])],
    ['the stream has only the prompt verdict', 'incomplete_response', 'retry', streamed([promptFilterChunk])],
    ['the stream has no finish reason', 'incomplete_response', 'retry', streamed([content('It is')])],
    [
      'the stream has neither finish reason nor [DONE]',
      'incomplete_response',
      'retry',
      streamed([content('It is')], 'clean'),
    ],
    ['the connection is cut mid-stream', 'connection_lost', 'retry', streamed([content('It is')], 'cut')],
    ['the connection is cut after the headers', 'connection_lost', 'retry', streamed([], 'cut')],
    ['a chunk is not JSON', 'malformed_response', 'retry', streamed([content('It'), '{"choices":[{'])],
    ['a chunk has no choices', 'incomplete_response', 'retry', streamed([content('It'), { id: 'chatcmpl-1' }])],
    ['the stream stalls', 'stream_stalled', undefined, streamed([content('It')], 'stall')],
    ['the stream stalls before the first chunk', 'model_timeout', undefined, streamed([], 'stall')],
  ])('because %s has code %s and recovery %s', async (_when, code, recovery, reply) => {
    const { endpoint } = await startModelServer(reply);

    const failure = await failureOf({
      endpoint,
      streamIdleTimeoutMs: code === 'stream_stalled' ? 300 : 60_000,
      agent: { firstTokenTimeoutMs: code === 'model_timeout' ? 300 : 60_000 },
    });

    expect(failure).toMatchObject({ code, recovery });
    expect(failure.message).toMatch(/^[A-Z][^\n]{10,120}\.$/);
    for (const secret of [API_KEY, '127.0.0.1', new URL(endpoint).port]) expect(failure.message).not.toContain(secret);
  });

  it('because nothing listens has code connection_failed after two retries', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    await new Promise((resolve) => server.close(resolve));
    if (address === null || typeof address === 'string') throw new Error('The server has no port');

    const failure = await failureOf({ endpoint: `http://127.0.0.1:${address.port}` });

    expect(failure).toMatchObject({ code: 'connection_failed', recovery: undefined });
    expect(failure.message).not.toContain('127.0.0.1');
  });

  it('because no headers arrive in time has code model_timeout without a retry', async () => {
    const { endpoint, requests } = await startModelServer(() => {});

    expect(await failureOf({ endpoint, agent: { firstTokenTimeoutMs: 300 } })).toMatchObject({
      code: 'model_timeout',
      recovery: undefined,
    });
    expect(requests).toHaveLength(1);
  });
});

describe('the text of an answer', () => {
  it('does not reach the console if a chunk is malformed', async () => {
    const { endpoint } = await startModelServer(streamed([content('It'), '{"choices":[{"delta":{"content":"private']));
    const written = new PassThrough();
    // The SDK keeps the methods of a console that it has seen.
    vi.stubGlobal('console', new Console(written));
    onTestFinished(() => void vi.unstubAllGlobals());

    await failureOf({ endpoint });

    expect(String(written.read())).not.toContain('private');
  });
});

describe('a rate limit', () => {
  it.each([
    { header: { 'retry-after': '7' }, message: 'The model is over its rate limit. Try again in 7 s.' },
    { header: { 'retry-after': '0.5' }, message: 'The model is over its rate limit. Try again in 1 s.' },
    { header: { 'retry-after-ms': '1500' }, message: 'The model is over its rate limit. Try again in 2 s.' },
    { header: { 'retry-after': 'soon' }, message: 'The model is over its rate limit.' },
    { header: {}, message: 'The model is over its rate limit.' },
  ])('with $header says $message', async ({ header, message }) => {
    const { endpoint } = await startModelServer(refused(429, {}, { ...AT_ONCE, ...header }));

    expect((await failureOf({ endpoint })).message).toBe(message);
  });

  it('with a date says how long to wait', async () => {
    const inTenSeconds = new Date(Date.now() + 10_000).toUTCString();
    const { endpoint } = await startModelServer(refused(429, {}, { ...AT_ONCE, 'retry-after': inTenSeconds }));

    expect((await failureOf({ endpoint })).message).toMatch(/ (8|9|10) s\.$/);
  });

  it('with a long wait fails at once', async () => {
    const { endpoint, requests } = await startModelServer(refused(429, {}, { 'retry-after': '21' }));

    expect((await failureOf({ endpoint })).message).toBe('The model is over its rate limit. Try again in 21 s.');
    expect(requests).toHaveLength(1);
  });

  it.each([429, 500])('or a server error (%i) is retried twice', async (status) => {
    const { endpoint, requests } = await startModelServer(refused(status, {}, SOON));

    await failureOf({ endpoint });

    expect(requests).toHaveLength(3);
  });
});

describe('an aborted call', () => {
  const timeUp = new AgentError('run_timeout', 'The run did not end within its time limit of 1 s.');

  it('fails with the abort reason before the headers, and closes its connection', async () => {
    const controller = new AbortController();
    let closed: Promise<unknown> | undefined;
    const { endpoint, requests } = await startModelServer((response) => {
      closed = once(response, 'close');
      controller.abort(timeUp);
    });

    expect(await failureOf({ endpoint, signal: controller.signal })).toBe(timeUp);
    await closed;
    expect(requests).toHaveLength(1);
  });

  it.each([
    { reason: timeUp, code: 'run_timeout' },
    { reason: undefined, code: 'run_aborted' },
  ])('fails mid-stream with $code, and closes its connection', async ({ reason, code }) => {
    const controller = new AbortController();
    let closed: Promise<unknown> | undefined;
    const { endpoint } = await startModelServer((response, request) => {
      closed = once(response, 'close');
      streamed([content('It is')], 'stall')(response, request);
    });

    const parts = askModel({ endpoint, signal: controller.signal })[Symbol.asyncIterator]();
    await parts.next();
    controller.abort(reason);

    await expect(parts.next()).rejects.toMatchObject({ name: 'AgentError', code });
    await closed;
  });
});
