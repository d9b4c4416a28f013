import { describe, expect, it } from 'vitest';
import {
  contentFilterError,
  errorIn,
  filteredCategories,
  isContextLengthExceeded,
  isDeploymentMissing,
  isFiltered,
  isNetworkRefused,
  isStreamOptionsRefused,
  isStreamRefused,
  isTimeout,
  readModelFailure,
} from '../../src/openai/model-failure.js';

const withMessage = (status: number | undefined, message: string) => readModelFailure({ error: { message } }, status);

describe('the body of a model failure', () => {
  const expected = { message: 'No.' };

  it.each([
    ['an error member', { error: expected, message: 'outside' }, 'No.'],
    ['the error itself', expected, 'No.'],
    ['a list', [{ error: expected }, { error: { message: 'later' } }], 'No.'],
    ['a list of errors', [expected], 'No.'],
    ['an error that is null', { error: null, message: 'outside' }, 'outside'],
    [
      'codes before the message',
      { code: 'a', status: 'b', type: 'c', innererror: { code: 'd' }, message: 'e' },
      'a b c d e',
    ],
    ['codes that are no text', { code: null, status: {}, type: 7, innererror: { code: [] }, message: 'e' }, '7  e'],
    ['no message', { detail: 'e' }, '{"detail":"e"}'],
    ['a message that is no text', { message: 7 }, '{"message":7}'],
  ])('is read with %s', (_what, body, text) => {
    expect(readModelFailure(body)).toMatchObject({ text, isJson: true });
  });

  it('is text if it is not JSON', () => {
    expect(readModelFailure('<html>', 502)).toEqual({
      status: 502,
      text: '<html>',
      code: '',
      param: undefined,
      isJson: false,
      categories: [],
      retryAfterSeconds: undefined,
    });
    expect(readModelFailure({ error: 'Bad' })).toMatchObject({ text: 'Bad', isJson: false });
  });

  it.each([[undefined], [null], [7], [[]]])('may be nothing that says what happened: %j', (body) => {
    expect(readModelFailure(body)).toMatchObject({ text: '', isJson: false, status: undefined });
  });

  it('has the parameter that the endpoint names, if it is text', () => {
    expect(readModelFailure({ param: 'stream' }).param).toBe('stream');
    expect(readModelFailure({ param: 7 }).param).toBeUndefined();
  });

  it.each(['content_filter_result', 'content_filter_results'])('has the categories of %s', (name) => {
    const results = { violence: { filtered: true }, hate: { filtered: false } };
    expect(readModelFailure({ innererror: { [name]: results } }).categories).toEqual(['violence']);
  });
});

describe('the status of a model failure', () => {
  it.each([
    [{ code: 429 }, 418, 418],
    [{ status: 500, status_code: 501, code: 502 }, undefined, 500],
    [{ status_code: 501, code: 502 }, undefined, 501],
    [{ code: '400' }, undefined, 400],
    [{ code: 599 }, undefined, 599],
    [{ code: 399 }, undefined, undefined],
    [{ code: 600 }, undefined, undefined],
    [{ code: 'rate_limit_exceeded', message: 'Error 500' }, undefined, 429],
    [{ code: 'weird', message: 'Error 503: no capacity' }, undefined, 503],
  ])('is the first known one: %j with status %j is %j', (error, status, expected) => {
    expect(readModelFailure({ error }, status).status).toBe(expected);
  });

  it.each([
    [
      429,
      [
        '429 Too fast',
        'Error code: 429 - wait',
        'rate limit',
        'RateLimitReached',
        'too many requests',
        'Throttled',
        'no quota',
      ],
    ],
    [503, ['Overloaded', 'unavailable', 'Server error', 'InternalError', 'capacity', 'try again']],
    [
      401,
      ['unauthorized', 'Unauthorised', 'invalid_api_key', 'invalidApiKey', 'authentication', 'permission', 'forbidden'],
    ],
    [404, ['not found', 'NotFound', 'unknown_model']],
    [400, ['invalid_request_error', 'InvalidRequest', 'bad request', 'BadRequest', 'context length', 'contextLength']],
    [599, ['599']],
    [undefined, ['', '399', '600', '4290', 'about 12 of 429', `${'far '.repeat(6)}429`, 'broken']],
  ])('is %j if the text says so', (status, texts) => {
    expect(texts.map((text) => readModelFailure(text).status)).toEqual(texts.map(() => status));
  });
});

describe('the wait of a rate limit', () => {
  it.each([
    ['Retry after 17 seconds.', 17],
    ['Please try again in 6.5s', 7],
    ['try again in 20s.', 20],
    ['try again in 1m26.4s', 87],
    ['retry in 2 minutes 3 seconds', 123],
    ['retry after a while', undefined],
    ['after 5 s', undefined],
  ])('is read from its text: %s', (text, seconds) => {
    expect(readModelFailure({ message: text }).retryAfterSeconds).toBe(seconds);
    expect(readModelFailure(text).retryAfterSeconds).toBe(seconds);
  });

  it('is the one of the header if it has both', () => {
    expect(readModelFailure({ message: 'Retry after 17 seconds.' }, 429, 3).retryAfterSeconds).toBe(3);
    expect(readModelFailure('Retry after 17 seconds.', 429, 3).retryAfterSeconds).toBe(3);
  });
});

describe('an answer with status 200', () => {
  it.each([
    [{ error: { message: 'No.' } }, { message: 'No.' }],
    [{ error: 'No.', choices: [] }, 'No.'],
    [{ object: 'error' }, { object: 'error' }],
    [{ message: 'No.' }, { message: 'No.' }],
    [{ detail: [] }, { detail: [] }],
    [{ message: 'No.', choices: [] }, undefined],
    [{ choices: [{ error: { message: 'No.' } }] }, { message: 'No.' }],
    [{ choices: [{ error: null }] }, undefined],
    [{ error: {}, choices: [] }, undefined],
    [{ error: { message: '', type: '', code: null }, choices: [] }, undefined],
    [{ object: 'error', choices: [] }, undefined],
    [{ message: {} }, undefined],
    [{ error: null, usage: {} }, undefined],
  ])('is an error if it looks like one: %j', (body, error) => {
    expect(errorIn(body)).toEqual(error);
  });
});

describe('the categories of a content filter', () => {
  it('are those that withheld something', () => {
    const filtered = { filtered: true };
    const results = {
      self_harm: filtered,
      hate: { filtered: false },
      sexual: true,
      violence: null,
      ['a'.repeat(41)]: filtered,
      '<b>': filtered,
      'x<b>': filtered,
      '<b>x': filtered,
      custom_blocklists: [
        { id: 'A', filtered: false },
        { id: 'B', ...filtered },
      ],
      profanity: [{ filtered: false }],
    };
    expect(filteredCategories(results)).toEqual(['self_harm', 'custom_blocklists']);
    expect(filteredCategories([{ content_filter_results: { hate: filtered } }, {}, null])).toEqual(['hate']);
    expect(filteredCategories(undefined)).toEqual([]);
  });

  it('are named in the error, four of them at most', () => {
    const cause = new Error('filtered');
    const error = contentFilterError(['a', 'b', 'c', 'd', 'e'], cause);
    expect(error.message).toBe('The content filter of the model withheld the answer (a, b, c, d).');
    expect(error.cause).toBe(cause);
    expect(contentFilterError().message).toBe('The content filter of the model withheld the answer.');
  });
});

describe('an endpoint that does not stream as asked', () => {
  it.each<[status: number | undefined, message: string, param: string | undefined, isRefused: boolean]>([
    [400, 'stream_options', undefined, true],
    [422, 'streamOptions', undefined, true],
    [400, 'Unknown: stream options', undefined, true],
    [400, 'includeUsage', undefined, true],
    [400, 'include_usage', undefined, true],
    [400, 'No.', 'stream_options', true],
    [500, 'stream_options', undefined, true],
    [501, 'No.', 'stream_options', true],
    [401, 'stream_options', undefined, false],
    [403, 'stream_options', undefined, false],
    [429, 'stream_options', undefined, false],
    [304, 'stream_options', undefined, false],
    [500, 'Unrecognized option', undefined, false],
    [undefined, 'stream_options', undefined, false],
    [400, 'Unrecognized option', undefined, true],
    [400, 'Unrecognised option', undefined, true],
    [400, 'This is not recognized', undefined, true],
    [400, 'This is not recognised', undefined, true],
    [400, 'invalid argument', undefined, true],
    [400, 'Unknown option', 'top_p', false],
    [400, 'No.', undefined, false],
    ...[
      'model',
      'message',
      'messages',
      'temperature',
      'max_tokens',
      'reasoning',
      'content',
      'role',
      'key',
      'stream',
    ].map((name): [number, string, undefined, boolean] => [400, `Unknown ${name}`, undefined, false]),
  ])('rejects stream_options: %j %s, parameter %j', (status, message, param, isRefused) => {
    const failure = readModelFailure({ error: { message, param } }, status);
    expect(isStreamOptionsRefused(failure)).toBe(isRefused);
  });

  it('does not reject stream_options if its code names something else', () => {
    expect(isStreamOptionsRefused(readModelFailure({ code: 'bad_temperature', message: 'Unknown' }, 400))).toBe(false);
  });

  it.each([
    [400, 'You must be verified to stream this model.', undefined, true],
    [422, 'streaming is not supported', undefined, true],
    [400, 'No.', 'stream', true],
    [400, 'You must not stream.', 'user', false],
    [400, 'upstream failed', undefined, false],
    [405, 'You must not stream.', undefined, true],
    [501, 'Streaming is not supported', undefined, true],
    [401, 'You must not stream.', undefined, false],
    [500, 'The stream broke.', undefined, false],
    [undefined, 'You must not stream.', undefined, false],
  ])('rejects streaming: %j %s, parameter %j', (status, message, param, isRefused) => {
    expect(isStreamRefused(readModelFailure({ message, param }, status))).toBe(isRefused);
  });
});

describe('what a model failure means', () => {
  it.each([
    'context length',
    'context_length_exceeded',
    'contextlength',
    'context window',
    'contextwindow',
    'context_size',
    'context limit',
    'maximum context',
    'maximum prompt length',
    'Prompt is too long',
    'input is too long',
    'input token count',
    'too many tokens',
    'too many input tokens',
    'reduce the length',
  ])('a conversation is too long: %s', (message) => {
    expect(
      [undefined, 400, 403, 413, 422].map((status) => isContextLengthExceeded(withMessage(status, message))),
    ).toEqual([true, true, true, true, true]);
    expect([302, 401, 429, 500, 503].map((status) => isContextLengthExceeded(withMessage(status, message)))).toEqual([
      false,
      false,
      false,
      false,
      false,
    ]);
  });

  it('a conversation is too long by its code, whatever the status', () => {
    expect(isContextLengthExceeded(readModelFailure({ code: 'exceed_context_size_error' }, 500))).toBe(true);
    expect(isContextLengthExceeded(withMessage(400, 'max_tokens is too large'))).toBe(false);
  });

  it.each(['content_filter', 'ContentFilter', 'ResponsibleAIPolicyViolation', "Azure's content management policy"])(
    'a filter withheld something: %s',
    (message) => {
      expect(isFiltered(withMessage(400, message))).toBe(true);
      expect(isFiltered(withMessage(400, 'content'))).toBe(false);
    },
  );

  it.each([
    [404, 'no deployment', true],
    [404, 'no such model', true],
    [404, 'Resource not found', false],
    ...[
      'DeploymentNotFound',
      'OperationNotSupported',
      'model_not_found',
      'unknown_model',
      'Unavailable model: gpt',
      'invalid model',
      'not a valid model',
      'model not exist',
      'The model does not exist',
    ].flatMap((message): [number, string, boolean][] => [
      [400, message, true],
      [422, message, false],
    ]),
    [400, 'invalid models', false],
    [400, 'model', false],
  ])('a deployment is missing: %i %s', (status, message, isMissing) => {
    expect(isDeploymentMissing(withMessage(status, message))).toBe(isMissing);
  });

  it('a page that mentions a model does not say that a deployment is missing', () => {
    expect(isDeploymentMissing(readModelFailure('<html>no such model', 404))).toBe(false);
  });

  it.each([
    'Firewall',
    'Virtual Network rules',
    'Public access is disabled',
    'public network access is disabled',
    'private endpoint',
    'private link',
  ])('network rules refuse the app: %s', (message) => {
    expect(isNetworkRefused(withMessage(403, message))).toBe(true);
    expect(isNetworkRefused(withMessage(401, message))).toBe(false);
    expect(isNetworkRefused(withMessage(403, 'Forbidden'))).toBe(false);
  });

  it('a server gave up waiting with 408, 504 and 524', () => {
    expect([undefined, 400, 408, 500, 503, 504, 524].filter(isTimeout)).toEqual([408, 504, 524]);
  });
});
