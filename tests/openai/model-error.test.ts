import { APIConnectionError, APIError, APIUserAbortError, OpenAIError } from 'openai';
import { describe, expect, it } from 'vitest';
import { AgentError } from '../../src/durable-agents/errors.js';
import { errorText } from '../../src/functions/error-text.js';
import { ModelConnectionError, streamError, toAgentError } from '../../src/openai/model-error.js';

const quoting = { redact: (text: string) => text.replaceAll('secret', '[redacted]'), quotesErrors: true };

function responseError(status: number, message: string, headers: Record<string, string> = {}): APIError {
  return APIError.generate(status, { error: { error: { message } } }, undefined, new Headers(headers));
}

/** The message of an error, and what the log says about its cause. */
function described({ message, cause }: AgentError) {
  return { message, cause: errorText(cause) };
}

describe('an error response of a model', () => {
  it.each([
    [302, 'endpoint_redirected', 'The model endpoint redirects elsewhere. Check AZURE_OPENAI_ENDPOINT.'],
    [400, 'model_rejected_request', 'The model rejected the request (status 400).'],
    [401, 'authentication_failed', 'The model refused the key or identity of this app.'],
    [403, 'authentication_failed', 'The model refused the key or identity of this app.'],
    [404, 'endpoint_not_found', 'The model endpoint does not know the path. Check AZURE_OPENAI_ENDPOINT.'],
    [408, 'model_timeout', 'The model did not answer in time (status 408).'],
    [429, 'rate_limited', 'The model is over its rate limit.'],
    [499, 'model_rejected_request', 'The model rejected the request (status 499).'],
    [500, 'model_unavailable', 'The model is unavailable (status 500).'],
    [504, 'model_timeout', 'The model did not answer in time (status 504).'],
  ])('with status %i has the code %s', (status, code, message) => {
    const error = toAgentError(responseError(status, 'No.'), quoting);

    expect(error).toMatchObject({ code, message, recovery: undefined, retryAfterSeconds: undefined });
    expect(errorText(error.cause)).toBe(`ModelCallError: status ${status} "No."`);
  });

  it.each([
    ['context length exceeded', 'The conversation is longer than the model can take.'],
    ['DeploymentNotFound', 'The model deployment was not found.'],
    ['content_filter', 'The content filter of the model withheld the answer.'],
  ])('says what is wrong: %s', (text, message) => {
    const error = toAgentError(responseError(400, text), quoting);
    expect(described(error)).toEqual({ message, cause: `ModelCallError: status 400 "${text}"` });
  });

  it('says how long to wait', () => {
    const error = toAgentError(responseError(429, 'No.', { 'retry-after': '7' }), quoting);

    expect(error).toMatchObject({
      code: 'rate_limited',
      message: 'The model is over its rate limit. Try again in 7 s.',
      retryAfterSeconds: 7,
    });
  });

  it('of a server that is unavailable keeps the wait that it asks for', () => {
    const error = toAgentError(responseError(503, 'No.', { 'retry-after': '300' }), quoting);
    expect(error).toMatchObject({ code: 'model_unavailable', retryAfterSeconds: 300 });
  });

  it('is described in the log by status, request and message, without secrets and shortened', () => {
    const headers = { 'x-request-id': 'secret-1' };
    const textOf = (message: string) => errorText(toAgentError(responseError(500, message, headers), quoting).cause);

    expect(textOf('A secret.')).toBe('ModelCallError: status 500, request [redacted]-1 "A [redacted]."');
    expect(textOf('long '.repeat(100)).length).toBeLessThan(360);
  });

  it('is described in the log by status and request alone if its message may quote the conversation', () => {
    const error = responseError(500, 'You said: hello', { 'x-request-id': 'r-1' });
    const { cause } = toAgentError(error, { ...quoting, quotesErrors: false });
    expect(errorText(cause)).toBe('ModelCallError: status 500, request r-1');
  });
});

describe('an error inside an answer', () => {
  const filtered = { message: 'content_filter' };
  const limited = { code: 429, message: 'Retry after 7 s.' };
  const overloaded = { code: 503, message: 'No.' };
  const bad = { code: 400, message: 'No.' };
  const unknown = { message: 'No.' };

  it.each([
    ['content_filter', undefined, false, filtered],
    ['content_filter', undefined, true, filtered],
    ['rate_limited', undefined, false, limited],
    ['rate_limited', undefined, true, limited],
    ['model_unavailable', 'retry', false, overloaded],
    ['model_error', undefined, true, overloaded],
    ['model_rejected_request', undefined, false, bad],
    ['model_error', undefined, true, bad],
    ['model_error', undefined, false, unknown],
    ['model_error', undefined, true, unknown],
  ])('has the code %s and the recovery %s (after a visible part: %s, %j)', (code, recovery, hasBegun, body) => {
    expect(streamError(body, hasBegun, quoting)).toMatchObject({ code, recovery });
  });

  it('keeps the message of the endpoint for the log', () => {
    expect(errorText(streamError(overloaded, false, quoting).cause)).toBe('ModelCallError: status 503 "503 No."');
    expect(errorText(streamError(unknown, true, quoting).cause)).toBe('ModelCallError: "No."');
  });

  it('is told apart from an answer that was not complete', () => {
    expect(streamError(unknown, true, quoting).message).toBe('The model reported an error while it was answering.');
    expect(streamError(unknown, false, quoting).message).toBe('The model reported an error while it was answering.');
  });
});

describe('a model call without a response', () => {
  it('that was aborted says so', () => {
    const cause = new APIUserAbortError();
    expect(toAgentError(cause, quoting)).toMatchObject({
      code: 'run_aborted',
      message: 'The run was aborted before the model had answered.',
      cause,
    });
  });

  it('names the host that could not be reached in the log alone', () => {
    const cause = new ModelConnectionError('model.example', new Error('ECONNREFUSED'));
    const error = toAgentError(new APIConnectionError({ cause }), quoting);

    expect(error.code).toBe('connection_failed');
    expect(described(error)).toEqual({
      message: 'The model could not be reached.',
      cause: 'ModelConnectionError: model.example could not be reached: Error: ECONNREFUSED',
    });
  });

  it('keeps any other reason of the connection for the log', () => {
    const { cause } = toAgentError(new APIConnectionError({ message: 'No route' }), quoting);
    expect(errorText(cause)).toMatch(/^ModelCallError: .*No route/);
  });

  it('that got no token fails with the error of the token', () => {
    const cause = new AgentError('authentication_failed', 'No token.');
    expect(toAgentError(Object.assign(new OpenAIError('No.'), { cause }), quoting)).toBe(cause);
    expect(toAgentError(cause, quoting)).toBe(cause);
  });

  it('that lost its connection can be retried', () => {
    const error = toAgentError(new TypeError('terminated', { cause: new Error('other side closed') }), quoting);

    expect(error).toMatchObject({ code: 'connection_lost', recovery: 'retry' });
    expect(errorText(error.cause)).toContain('other side closed');
  });

  it.each([
    ['TypeError', new TypeError('x is not a function')],
    ['Error', new Error('terminated')],
    ['OpenAIError', new OpenAIError('No.')],
    ['Error with a cause', new Error('No.', { cause: new AgentError('rate_limited', 'No.') })],
  ])('fails unexpectedly after any other error: %s', (_what, error) => {
    expect(toAgentError(error, quoting)).toMatchObject({ code: 'agent_error', cause: error });
  });
});
