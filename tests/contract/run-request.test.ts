import { describe, expect, it } from 'vitest';
import type { HttpAnswer } from '../support/http-exchange.js';
import { newThreadId } from '../support/agent-api.js';
import { contractApi } from './contract-target.js';

const MAX_MESSAGE_BYTES = 256 * 1024;
const text = { 'content-type': 'text/plain', accept: 'application/json' };

/** Threads of most runs in this file, which do not wait for the answer. */
const threadId = newThreadId();
const other = newThreadId();

const badThreadIds = ['a/b', 'a\\b', 'a\nb', ' a', 'a ', 'a\u0085b', 'a'.repeat(129), 'ä'.repeat(67)];

function said({ status, headers, text: json }: HttpAnswer) {
  return { status, contentType: headers['content-type'], body: JSON.parse(json) };
}

function refusal(status: number, error: unknown) {
  return { status, contentType: 'application/json', body: { error } };
}

/** The message that makes a body of this many bytes. */
function padding(bodyBytes: number): string {
  return 'x'.repeat(bodyBytes - JSON.stringify({ message: 'Hi', padding: '' }).length);
}

describe('the request of POST agents/{agent}/run', () => {
  const api = contractApi();
  const sendOff = (fields: Readonly<Record<string, unknown>>, query = '') =>
    api.run({ message: 'Hello', thread_id: threadId, wait_for_response: false, ...fields }, { query });

  describe('message', () => {
    it.each([
      ['missing', undefined, 'Message is required'],
      ['null', null, 'Message is required'],
      ['empty', '', 'Message is required'],
      ['blank', ' \t\n', 'Message is required'],
      ['a number', 1, 'Message must be a string'],
      ['a boolean', false, 'Message must be a string'],
      ['a list', ['Hi'], 'Message must be a string'],
      ['an object', { text: 'Hi' }, 'Message must be a string'],
    ])('is rejected if it is %s', async (_what, message, error) => {
      expect(said(await sendOff({ message }))).toEqual(refusal(400, error));
    });

    it('is unchanged in JSON, and trimmed in text', async () => {
      const [inJson, inText] = await Promise.all([
        sendOff({ message: ' Hi\n' }),
        api.post(' Hi, 世界\n', { query: '?wait_for_response=no', headers: text }),
      ]);
      expect(JSON.parse(inJson.text)).toMatchObject({ message: ' Hi\n' });
      expect(JSON.parse(inText.text)).toMatchObject({ message: 'Hi, 世界' });
    });

    it('is the whole text body, even if it looks like JSON', async () => {
      const message = '{"message":"Hi"}';
      const answer = await api.post(message, { query: '?wait_for_response=0', headers: text });
      expect(JSON.parse(answer.text)).toMatchObject({ message });
    });

    it.each([
      ['ASCII', 'a'.repeat(MAX_MESSAGE_BYTES), 'a'.repeat(MAX_MESSAGE_BYTES + 1)],
      ['two-byte characters', 'ä'.repeat(MAX_MESSAGE_BYTES / 2), 'ä'.repeat(MAX_MESSAGE_BYTES / 2 + 1)],
    ])('may have up to 256 KiB of %s', async (_what, longest, tooLong) => {
      expect(await sendOff({ message: longest })).toMatchObject({ status: 202 });
      expect(said(await sendOff({ message: tooLong }))).toEqual(
        refusal(413, expect.stringContaining(String(MAX_MESSAGE_BYTES))),
      );
    });

    it('may arrive in a chunked body', async () => {
      const answer = await api.run(
        { message: 'In chunks', thread_id: newThreadId() },
        { headers: { 'transfer-encoding': 'chunked' } },
      );
      expect(answer).toMatchObject({ status: 200 });
      expect(JSON.parse(answer.text)).toMatchObject({ message: 'In chunks' });
    });

    it('may arrive in a body of up to 1 MiB', async () => {
      const longest = await api.run(
        { message: 'Hi', padding: padding(1024 * 1024) },
        { query: '?wait_for_response=no' },
      );
      expect(longest).toMatchObject({ status: 202 });
      const tooLong = await api.run({ message: 'Hi', padding: padding(1024 * 1024 + 1) });
      expect(said(tooLong)).toEqual(refusal(413, expect.stringContaining(String(1024 * 1024))));
    });
  });

  describe('thread id', () => {
    it.each([
      ['a string', threadId, threadId],
      ['a number', 42, '42'],
      ['zero', 0, '0'],
      ['a number of 15 digits', 999_999_999_999_999, '999999999999999'],
      ['every character that was valid in older versions', 'AZaz09._~:@=+-', 'AZaz09._~:@=+-'],
      ['a user id', 'auth0|1', 'auth0|1'],
      ['characters that are special in a URL', 'a#b?c=d&e%2Ff', 'a#b?c=d&e%2Ff'],
      ['other scripts', 'Jürgen 世界 🌞', 'Jürgen 世界 🌞'],
      ['dots', '..', '..'],
      ['dots before a letter', '..a', '..a'],
      ['three dots', '...', '...'],
      ['128 characters', 'a'.repeat(128), 'a'.repeat(128)],
    ])('may be %s', async (_what, given, expected) => {
      const answer = await sendOff({ thread_id: given });
      expect(answer).toMatchObject({ status: 202 });
      expect(JSON.parse(answer.text)).toMatchObject({ thread_id: expected });
    });

    it.each([null, ''])('counts as absent if it is %j', async (absent) => {
      const inQuery = await sendOff({ thread_id: absent }, `?thread_id=${threadId}`);
      expect(JSON.parse(inQuery.text)).toMatchObject({ thread_id: threadId });
      const nowhere = await sendOff({ thread_id: absent }, '?thread_id=');
      expect(JSON.parse(nowhere.text)).toMatchObject({ thread_id: expect.stringMatching(/^[0-9a-f]{32}$/) });
    });

    it.each(badThreadIds)('is rejected in the body if it is %j', async (bad) => {
      expect(said(await sendOff({ thread_id: bad }))).toEqual(
        refusal(400, expect.stringMatching(/^Invalid thread_id: .*white space/)),
      );
    });

    it.each(badThreadIds)('is rejected in the query if it is %j', async (bad) => {
      expect(said(await sendOff({ thread_id: undefined }, `?thread_id=${encodeURIComponent(bad)}`))).toEqual(
        refusal(400, expect.stringMatching(/^Invalid thread_id: /)),
      );
    });

    it.each([[true], [{}], [['a']]])('is rejected if it is %j', async (bad) => {
      expect(said(await sendOff({ thread_id: bad }))).toEqual(
        refusal(400, expect.stringMatching(/^Invalid thread_id: /)),
      );
    });

    it.each([
      ['the body', { thread_id: threadId }, '', threadId],
      ['the query', {}, `?thread_id=${other}`, other],
      ['the body rather than the query', { thread_id: threadId }, `?thread_id=${other}`, threadId],
      ['session_id', { session_id: other }, '', other],
      ['sessionId', { sessionId: other }, '', other],
      ['threadId', { threadId: other }, '', other],
      ['session_id in the query', {}, `?session_id=${other}`, other],
      ['sessionId in the query', {}, `?sessionId=${other}`, other],
      ['threadId in the query', {}, `?threadId=${other}`, other],
      ['two names with the same value', { thread_id: other, session_id: other }, '', other],
      ['two names, one of them empty', { thread_id: '', threadId: other }, '', other],
      ['an alias in the body rather than the query', { sessionId: threadId }, `?thread_id=${other}`, threadId],
    ])('is taken from %s', async (_what, fields, query, expected) => {
      const answer = await sendOff({ thread_id: undefined, ...fields }, query);
      expect(JSON.parse(answer.text)).toMatchObject({ thread_id: expected });
    });

    it.each([
      ['thread_id and session_id differ', { thread_id: threadId, session_id: other }, ''],
      ['sessionId and threadId differ', { sessionId: threadId, threadId: other }, ''],
      ['thread_id and sessionId in the query differ', {}, `?thread_id=${threadId}&sessionId=${other}`],
      ['the query contains two values', {}, `?thread_id=${threadId}&thread_id=${other}`],
    ])('is rejected if %s', async (_what, fields, query) => {
      expect(said(await sendOff({ thread_id: undefined, ...fields }, query))).toEqual(
        refusal(400, expect.stringContaining('thread_id')),
      );
    });

    it('is not taken from a header', async () => {
      const answer = await api.run(
        { message: 'Hello', wait_for_response: false },
        { headers: { 'x-ms-thread-id': threadId, thread_id: threadId } },
      );
      expect(JSON.parse(answer.text).thread_id).not.toBe(threadId);
    });

    it('is case-sensitive', async () => {
      const lower = newThreadId();
      await api.ask(lower, 'Hello');
      expect(await api.ask(lower.toUpperCase(), 'Hello')).toMatchObject({ message_count: 2 });
      expect(await api.events(lower)).not.toEqual(await api.events(lower.toUpperCase()));
    });
  });

  describe('wait_for_response', () => {
    const yes = 200;
    const no = 202;

    it.each([
      [true, yes],
      [false, no],
      [null, no],
      [1, yes],
      [-0.5, yes],
      [0, no],
      ['true', yes],
      ['1', yes],
      ['yes', yes],
      ['y', yes],
      [' On ', yes],
      ['false', no],
      ['ok', no],
      ['', no],
      [[], no],
      [{}, no],
    ])('with the value %j in the body leads to status %i', async (value, status) => {
      const answer = await api.run({ message: 'Hello', thread_id: newThreadId(), wait_for_response: value });
      expect(answer).toMatchObject({ status });
    });

    it.each([
      ['the default', {}, '', {}, yes],
      ['the body', {}, '', { wait_for_response: false }, no],
      ['waitForResponse in the body', {}, '', { waitForResponse: false }, no],
      ['the query rather than the body', {}, '?wait_for_response=true', { wait_for_response: false }, yes],
      ['waitForResponse in the query', {}, '?waitForResponse=false', {}, no],
      ['the header rather than the query', { 'x-ms-wait-for-response': 'no' }, '?wait_for_response=true', {}, no],
      ['the header rather than the body', { 'x-ms-wait-for-response': 'Y' }, '', { wait_for_response: false }, yes],
      ['an empty header', { 'x-ms-wait-for-response': '' }, '?wait_for_response=true', {}, no],
    ])('is taken from %s', async (_what, headers, query, fields, status) => {
      const answer = await api.run({ message: 'Hello', thread_id: newThreadId(), ...fields }, { headers, query });
      expect(answer).toMatchObject({ status });
    });

    it.each([
      ['its two spellings in the body differ', { wait_for_response: true, waitForResponse: false }, ''],
      ['its two spellings in the query differ', {}, '?wait_for_response=1&waitForResponse=0'],
    ])('is rejected if %s', async (_what, fields, query) => {
      const answer = await api.run({ message: 'Hello', ...fields }, { query });
      expect(said(answer)).toEqual(refusal(400, expect.stringContaining('wait_for_response')));
    });
  });

  describe('role', () => {
    it.each(['user', 'assistant', 'system', ' Assistant ', '', null, 5])('may be %j', async (role) => {
      expect(await sendOff({ role })).toMatchObject({ status: 202 });
    });

    it.each(['tool', 'developer', 'root'])('is rejected if it is %j', async (role) => {
      expect(said(await sendOff({ role }))).toEqual(refusal(400, 'Invalid role: expected user, assistant or system'));
    });
  });

  it.each([null, true, false, 'no', 1])('accepts the enable_tool_calls value %j', async (value) => {
    expect(await sendOff({ enable_tool_calls: value })).toMatchObject({ status: 202 });
  });

  it.each([['json'], [5], [true], [['a']]])('rejects the response_format %j', async (format) => {
    expect(said(await sendOff({ response_format: format }))).toEqual(
      refusal(400, expect.stringContaining('response_format')),
    );
  });

  it.each([
    ['a query parameter of a run', 'POST', 'agents/CallbackAgent/run?headers=x', '{"message":"Hi"}'],
    ['a body property of a run', 'POST', 'agents/CallbackAgent/run', '{"message":"Hi","headers":"x"}'],
    ['a query parameter of a poll', 'GET', 'agents/CallbackAgent/callbacks/a?headers=x', undefined],
    ['a query parameter of a DELETE', 'DELETE', 'agents/CallbackAgent/callbacks/a?headers=x', undefined],
  ])('is rejected if %s named "headers" hides the HTTP headers', async (_what, method, path, body) => {
    const answer = await api.call(method, path, { 'content-type': 'application/json' }, body);
    expect(said(answer)).toEqual(refusal(400, expect.stringContaining('headers')));
  });

  it('ignores the case of the agent name', async () => {
    const id = newThreadId();
    const answer = await api.run({ message: 'Hello', thread_id: id }, { agentName: 'callbackAGENT' });
    expect(answer).toMatchObject({ status: 200 });
    expect((await api.events(id)).at(-1)).toMatchObject({ agent_name: 'CallbackAgent' });
  });
});
