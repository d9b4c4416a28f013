import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HttpError } from '../../../src/functions/http-error.js';
import { requireThreadId } from '../../../src/durable-agents/http/require-thread-id.js';
import {
  type MessageRules,
  parseRunEnvelope,
  parseRunMessage,
} from '../../../src/durable-agents/http/parse-run-request.js';
import { anyText } from '../../support/any-text.js';
import { messageRules } from '../../support/message-rules.js';
import { httpRequest, type RequestParts } from '../../support/http-request.js';

import { isThreadId } from '../../../src/durable-agents/thread/thread-id.js';

const parse = (parts: RequestParts) => parseRunEnvelope(httpRequest(parts), 'CallbackAgent');

const messageOf = async (parts: RequestParts, rules: Partial<MessageRules> = {}) =>
  parseRunMessage((await parse(parts)).body, messageRules(rules));

const keyed = (key: string) => ({ 'idempotency-key': key });

const threadIdOf = async (parts: RequestParts) => (await parse(parts)).threadId;

describe('the message', () => {
  it.each(['Hi', ' not trimmed\n', '0', 'null', '🌞'])('is not changed: %j', async (message) => {
    expect(await messageOf({ json: { message } })).toMatchObject({ message });
  });

  it('is the trimmed text of a body that is not JSON', async () => {
    expect(await messageOf({ body: ' Hi there \n' })).toMatchObject({ message: 'Hi there', role: 'user' });
  });

  it.each([
    { json: {} },
    { json: { message: null } },
    { json: { message: '' } },
    { json: { message: ' \n\t' } },
    { json: { Message: 'Hi' } },
    { body: '' },
    { body: ' \n' },
  ])('is required: %j', async (parts) => {
    await expect(messageOf(parts)).rejects.toMatchObject({ status: 400, message: 'Message is required' });
  });

  it.each([1, 0, true, false, ['Hi'], { text: 'Hi' }])('must be a string, not %j', async (message) => {
    await expect(messageOf({ json: { message } })).rejects.toMatchObject({
      status: 400,
      message: 'Message must be a string',
    });
  });

  it('is measured in UTF-8 bytes', async () => {
    await expect(messageOf({ json: { message: 'ää' } }, { maxBytes: 4 })).resolves.toMatchObject({ message: 'ää' });
    await expect(messageOf({ json: { message: 'ääa' } }, { maxBytes: 4 })).rejects.toMatchObject({
      status: 413,
      message: expect.stringContaining('4 bytes'),
    });
  });
});

describe('a message that does not fit into the stored state', () => {
  // Each of these characters takes six bytes in JSON.
  const message = '\u0001'.repeat(1000);

  it('is rejected, whatever its size in UTF-8', async () => {
    await expect(messageOf({ json: { message } }, { maxStateBytes: 8000 })).rejects.toMatchObject({
      status: 413,
      message: expect.stringContaining('AGENT_MAX_STATE_BYTES'),
    });
  });

  it('is accepted if the state may be larger', async () => {
    await expect(messageOf({ json: { message } }, { maxStateBytes: 9000 })).resolves.toMatchObject({ message });
  });
});

describe('the role', () => {
  it.each([
    [undefined, 'user'],
    [null, 'user'],
    ['', 'user'],
    [' ', 'user'],
    [7, 'user'],
    [{}, 'user'],
    ['user', 'user'],
    ['assistant', 'assistant'],
    [' SYSTEM\n', 'system'],
  ])('%j is read as %s', async (role, expected) => {
    expect(await messageOf({ json: { message: 'Hi', role } })).toMatchObject({ role: expected });
  });

  it.each(['tool', 'developer', 'users', 'constructor'])('%s is rejected', async (role) => {
    await expect(messageOf({ json: { message: 'Hi', role } })).rejects.toMatchObject({ status: 400 });
  });
});

describe('a role that AGENT_ALLOWED_ROLES does not list', () => {
  const allowedRoles = ['user'] as const;

  it.each(['system', ' Assistant ', 'tool'])('is rejected: %s', async (role) => {
    await expect(messageOf({ json: { message: 'Hi', role } }, { allowedRoles })).rejects.toMatchObject({
      status: 400,
      message: 'Invalid role: expected user (AGENT_ALLOWED_ROLES)',
    });
  });

  it.each(['user', '', undefined])('does not include %j', async (role) => {
    expect(await messageOf({ json: { message: 'Hi', role } }, { allowedRoles })).toMatchObject({ role: 'user' });
  });
});

describe('response_format', () => {
  it.each(['json', 1, false, []])('%j is rejected', async (format) => {
    await expect(messageOf({ json: { message: 'Hi', response_format: format } })).rejects.toMatchObject({
      status: 400,
      message: 'Invalid response_format: expected a JSON Schema object',
    });
  });

  it.each([{ type: 'object', properties: { city: { type: 'string' } } }, {}])(
    'may be the schema %j',
    async (format) => {
      expect(await messageOf({ json: { message: 'Hi', response_format: format } })).toMatchObject({
        responseSchema: format,
      });
    },
  );

  it.each([
    [{ type: 'banana' }, 'Unsupported type: banana'],
    [{ type: 'object', required: 5 }, 'it is malformed'],
    [{ $ref: 'https://schemas.example/a' }, 'External $ref is not supported, only local refs (#/...) are allowed'],
    [
      { type: 'object', properties: { a: { type: 'string', pattern: '^(a+)+$' } } },
      'the keyword pattern is not supported',
    ],
  ])('is rejected if the schema is unusable: %j', async (format, problem) => {
    await expect(messageOf({ json: { message: 'Hi', response_format: format } })).rejects.toMatchObject({
      status: 400,
      message: `Invalid response_format: ${problem}`,
    });
  });

  it('may be null', async () => {
    expect(await messageOf({ json: { message: 'Hi', response_format: null } })).toMatchObject({ message: 'Hi' });
  });
});

describe('the thread id', () => {
  it.each<[string, RequestParts, string]>([
    ['thread_id in the body', { json: { thread_id: 'a' } }, 'a'],
    ['thread_id in the query', { json: {}, query: '?thread_id=a' }, 'a'],
    ['thread_id in the query of a text request', { body: 'Hi', query: '?thread_id=a' }, 'a'],
    ['thread_id in the body rather than the query', { json: { thread_id: 'a' }, query: '?thread_id=b' }, 'a'],
    ['thread_id in the query if the body has null', { json: { thread_id: null }, query: '?thread_id=b' }, 'b'],
    ['thread_id in the query if that in the body is empty', { json: { thread_id: '' }, query: '?thread_id=b' }, 'b'],
    ['a number', { json: { thread_id: 7 } }, '7'],
    ['zero', { json: { thread_id: 0 } }, '0'],
    ['session_id', { json: { session_id: 'a' } }, 'a'],
    ['sessionId', { json: { sessionId: 'a' } }, 'a'],
    ['threadId', { json: { threadId: 'a' } }, 'a'],
    ['sessionId in the query', { json: {}, query: '?sessionId=a' }, 'a'],
    ['two names with the same value', { json: { thread_id: '7', threadId: 7, session_id: null } }, '7'],
    ['an id in its own case', { json: { thread_id: 'aB' } }, 'aB'],
    ['an id that is decoded once', { json: {}, query: '?thread_id=a%2Bb' }, 'a+b'],
  ])('is taken from %s', async (_what, parts, threadId) => {
    expect(await parse(parts)).toMatchObject({ threadId });
  });

  it.each<RequestParts>([
    { json: {} },
    { json: { thread_id: null } },
    { json: { thread_id: '' } },
    { json: {}, query: '?thread_id=' },
    { json: { thread_id: ' ', session_id: null, sessionId: '' }, query: '?threadId=%20' },
    { body: 'Hi' },
    { body: 'Hi', headers: { 'x-ms-thread-id': 'a', 'x-ms-session-id': 'a' } },
  ])('is generated if the request has none: %j', async (parts) => {
    const [first, second] = [await parse(parts), await parse(parts)];

    expect(first.threadId).toMatch(/^[0-9a-f]{32}$/);
    expect(second.threadId).not.toBe(first.threadId);
  });

  it.each<RequestParts>([
    { json: { thread_id: 'a', threadId: 'b' } },
    { json: { thread_id: 'a', session_id: 7 } },
    { json: {}, query: '?thread_id=a&sessionId=b' },
    { json: {}, query: '?thread_id=a&thread_id=b' },
  ])('must not differ between its names: %j', async (parts) => {
    await expect(parse(parts)).rejects.toMatchObject({ status: 400, message: expect.stringContaining('thread_id') });
  });

  it.each(['a/b', 'a\\b', ' a', 'a\n', 'a\u0085b', 'a\0', '\uD83C', 'x'.repeat(129), 'ä'.repeat(67)])(
    'may not be %j',
    async (threadId) => {
      await expect(parse({ json: { thread_id: threadId } })).rejects.toMatchObject({
        status: 400,
        message: expect.stringMatching(/^Invalid thread_id: expected 1 to 128 /),
      });
    },
  );

  it.each([true, {}, ['a']])('must not have another type: %j', async (threadId) => {
    await expect(parse({ json: { thread_id: threadId } })).rejects.toMatchObject({ status: 400 });
  });

  it.each([
    '.',
    '..',
    '...',
    '.a',
    '-',
    '=+@:~_',
    'auth0|1',
    'chat;messageid=1',
    'jörg+1@x.de',
    'a#b?c%2Fd e',
    '🌞',
    'x'.repeat(128),
  ])('may be %j', async (threadId) => {
    expect(await parse({ json: { thread_id: threadId } })).toMatchObject({ threadId });
  });

  it('is accepted unchanged if and only if it follows the rule', async () => {
    const nearlyValid = fc.string({ unit: fc.constantFrom('a', 'Z', '9', '.', '~', '@', '/', '%', ' ', '\n', 'é') });
    await fc.assert(
      fc.asyncProperty(fc.oneof(anyText(), nearlyValid), async (threadId) => {
        const outcome = await valueOrHttpError(() => requireThreadId(threadId));
        expect(outcome === threadId).toBe(isThreadId(threadId));
      }),
    );
  });
});

describe('the idempotency key', () => {
  it('is only read from the header', async () => {
    const parts = { json: { 'idempotency-key': 'a', idempotencyKey: 'a' }, query: '?idempotency-key=a' };

    expect(await parse(parts)).toHaveProperty('idempotencyKey', undefined);
  });

  it.each(['order-1', '7', '=+@:~_', 'x'.repeat(128)])('may be %j, of any kind of body', async (key) => {
    expect(await parse({ json: {}, headers: keyed(key) })).toMatchObject({ idempotencyKey: key });
    expect(await parse({ body: 'Hi', headers: keyed(key) })).toMatchObject({ idempotencyKey: key });
  });

  it.each(['', 'ä', 'a/b', 'a b', '"a"', 'a, a', 'x'.repeat(129)])('may not be %j', async (key) => {
    await expect(parse({ json: {}, headers: keyed(key) })).rejects.toMatchObject({
      status: 400,
      message: expect.stringMatching(/^Invalid Idempotency-Key: expected 1 to 128 /),
    });
  });

  it('determines the thread if the request names none', async () => {
    const derived = await threadIdOf({ json: { message: 'Hi' }, headers: keyed('a') });

    expect(derived).toMatch(/^[0-9a-f]{32}$/);
    expect(await threadIdOf({ body: 'Hello', headers: keyed('a') })).toBe(derived);
    expect(await threadIdOf({ json: {}, headers: keyed('b') })).not.toBe(derived);
    expect(await threadIdOf({ json: { thread_id: 'thread-1' }, headers: keyed('a') })).toBe('thread-1');
  });
});

describe('waiting for the response', () => {
  it.each<[string, RequestParts, boolean]>([
    ['the default', { json: {} }, true],
    ['the default for text', { body: 'Hi' }, true],
    ['the body', { json: { wait_for_response: false } }, false],
    ['the alias in the body', { json: { waitForResponse: false } }, false],
    ['the query', { body: 'Hi', query: '?wait_for_response=false' }, false],
    ['the alias in the query', { body: 'Hi', query: '?waitForResponse=0' }, false],
    ['the query rather than the body', { json: { wait_for_response: false }, query: '?wait_for_response=yes' }, true],
    ['the header', { body: 'Hi', headers: { 'x-ms-wait-for-response': 'no' } }, false],
    [
      'the header rather than query and body',
      {
        json: { wait_for_response: false },
        query: '?wait_for_response=false',
        headers: { 'X-MS-Wait-For-Response': 'true' },
      },
      true,
    ],
    ['an empty header', { json: {}, headers: { 'x-ms-wait-for-response': '' } }, false],
    [
      'the default if the aliases are null or blank',
      { json: { waitForResponse: null }, query: '?waitForResponse=' },
      true,
    ],
    ['a null in the body', { json: { wait_for_response: null } }, false],
    ['two names with the same meaning', { json: { wait_for_response: 'on', waitForResponse: 1 } }, true],
  ])('follows %s', async (_what, parts, waitForResponse) => {
    expect(await parse(parts)).toMatchObject({ waitForResponse });
  });

  it.each<RequestParts>([
    { json: { wait_for_response: true, waitForResponse: false } },
    { json: {}, query: '?wait_for_response=true&waitForResponse=false' },
  ])('must not differ between its names: %j', async (parts) => {
    await expect(parse(parts)).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining('wait_for_response'),
    });
  });
});

describe('the multitask strategy', () => {
  it.each<[string, RequestParts, string]>([
    ['the default', { json: {} }, 'enqueue'],
    ['the body', { json: { multitask_strategy: 'reject' } }, 'reject'],
    ['the query', { body: 'Hi', query: '?multitask_strategy=interrupt' }, 'interrupt'],
    [
      'the body rather than the query',
      { json: { multitask_strategy: 'reject' }, query: '?multitask_strategy=interrupt' },
      'reject',
    ],
    [
      'the query if the body has null',
      { json: { multitask_strategy: null }, query: '?multitask_strategy=reject' },
      'reject',
    ],
    ['the default if it is blank', { json: { multitask_strategy: ' ' }, query: '?multitask_strategy=' }, 'enqueue'],
  ])('follows %s', async (_what, parts, multitaskStrategy) => {
    expect(await parse(parts)).toMatchObject({ multitaskStrategy });
  });

  it.each(['wait', 'Reject', 7, true])('may not be %j', async (strategy) => {
    await expect(parse({ json: { multitask_strategy: strategy } })).rejects.toMatchObject({
      status: 400,
      message: 'Invalid multitask_strategy: expected enqueue, reject, interrupt',
    });
  });
});

describe('the tools of a run', () => {
  it.each([
    [undefined, true],
    [null, true],
    [true, true],
    [false, false],
    ['no', false],
    ['yes', true],
  ])('with enable_tool_calls %j are enabled: %s', async (enabled, enableToolCalls) => {
    expect(await messageOf({ json: { message: 'Hi', enable_tool_calls: enabled } })).toMatchObject({ enableToolCalls });
  });
});

describe('a number as thread id', () => {
  it('may have up to 15 digits, and is otherwise refused with the reason', async () => {
    expect(await threadIdOf({ json: { thread_id: Number.MAX_SAFE_INTEGER } })).toBe('9007199254740991');
    expect(await threadIdOf({ json: { thread_id: -7 } })).toBe('-7');
    await expect(parse({ json: { thread_id: Number.MAX_SAFE_INTEGER + 1 } })).rejects.toMatchObject({
      status: 400,
      message: 'Invalid thread_id: expected a string, or a number of at most 15 digits',
    });
  });
});

describe('a role that is unknown', () => {
  it('is rejected with those that are allowed', async () => {
    await expect(messageOf({ json: { message: 'Hi', role: 'tool' } })).rejects.toMatchObject({
      message: 'Invalid role: expected user, assistant or system',
    });
  });
});

describe('a run request', () => {
  const names = fc.constantFrom('message', 'thread_id', 'sessionId', 'role', 'wait_for_response', 'response_format');
  const anyJson = fc
    .oneof(fc.dictionary(names, fc.jsonValue()), fc.jsonValue())
    .map((json) => Buffer.from(JSON.stringify(json)));
  const anyType = fc.constantFrom('application/json', 'text/plain');

  it('is parsed or rejected, whatever it contains', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(anyJson, fc.uint8Array()), anyType, async (body, type) => {
        const outcome = await valueOrHttpError(async () => {
          const envelope = await parse({ body, headers: { 'content-type': type } });
          return { ...envelope, ...parseRunMessage(envelope.body, messageRules({ maxBytes: 1000 })) };
        });
        expect(outcome instanceof HttpError || isThreadId(outcome.threadId)).toBe(true);
      }),
    );
  });
});

/** The result of `work`, or the HttpError that it throws. Rethrows everything else. */
async function valueOrHttpError<T>(work: () => T | Promise<T>): Promise<T | HttpError> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof HttpError) return error;
    throw error;
  }
}
