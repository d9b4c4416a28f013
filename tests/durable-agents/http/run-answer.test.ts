import { describe, expect, it } from 'vitest';
import type { RunOutcome } from '../../../src/durable-agents/client/run-outcome.js';
import {
  failedAnswer,
  headerText,
  outcomeAnswer,
  timeoutAnswer,
  toResponse,
} from '../../../src/durable-agents/http/run-answer.js';
import { runRequest } from '../../support/run-request.js';
import { storedApproval } from '../../support/stored-approval.js';

const run = runRequest({ message: 'Hi' });
const { correlationId } = run;
const about = (status: string) => ({ message: 'Hi', thread_id: 'a/b', status, correlation_id: correlationId });
const newNames = { session_id: 'a/b', sessionId: 'a/b', correlationId };

const outcome = (fields: object): RunOutcome => ({ requestMessage: 'Hi', ...fields }) as RunOutcome;

describe('the answer to a run', () => {
  it('that waits for approval lists the open approvals, and where to poll, but not when', () => {
    expect(outcomeAnswer(run, 'a/b', outcome({ status: 'waiting', approvals: [storedApproval()] }))).toEqual({
      status: 202,
      text: 'Agent run is waiting for approval',
      json: {
        response: 'Agent run is waiting for approval',
        ...about('waiting_for_approval'),
        ...newNames,
        approvals: [
          {
            approval_id: 'id-1',
            tool_name: 'pay',
            arguments: { amount: 20 },
            requested_at: '2026-01-07T15:40:00.000Z',
            expires_at: '2999-01-01T00:00:00.000Z',
          },
        ],
      },
      headers: { location: `threads/a%2Fb/runs/${correlationId}` },
    });
  });

  it.each([
    [undefined, undefined],
    [0, { 'retry-after': '0' }],
    [6.2, { 'retry-after': '7' }],
  ])('that failed says after how many seconds to try again: %s', (retryAfterSeconds, headers) => {
    const failed = outcome({ status: 'error', error: 'Later.', errorCode: 'rate_limited', retryAfterSeconds });

    const answer = outcomeAnswer(run, 'a/b', failed);

    expect(answer).toMatchObject({ status: 502, text: 'Later.' });
    expect(answer.headers).toEqual(headers);
    expect(answer.json).toEqual({
      error: 'Later.',
      ...about('error'),
      error_code: 'rate_limited',
      ...newNames,
      errorCode: 'rate_limited',
    });
  });

  it.each([
    [undefined, '{"city":"Paris"}', {}],
    [{}, '{"city":"Paris"}', { structured_response: { city: 'Paris' } }],
    [{}, 'null', { structured_response: null }],
    [{}, 'Paris', {}],
  ])('with the schema %j and the text %s has these further keys: %j', (responseSchema, response, further) => {
    const asked = { ...run, ...(responseSchema && { responseSchema }) };

    const { json } = outcomeAnswer(asked, 'a/b', outcome({ status: 'success', response, messageCount: 2 }));

    expect(json).toEqual({
      response,
      ...about('success'),
      message_count: 2,
      ...newNames,
      messageCount: 2,
      ...further,
    });
  });

  it('that has not ended says where and when to poll', () => {
    expect(timeoutAnswer(run, 'a/b', 202)).toMatchObject({
      status: 202,
      headers: { location: `threads/a%2Fb/runs/${correlationId}`, 'retry-after': '2' },
    });
  });
});

describe('the response to a run request', () => {
  const runUrl = 'http://localhost/api/agents/Echo/run';
  const answer = failedAnswer({ status: 409, message: 'Busy.', headers: { 'x-a': 'b' } }, { correlation_id: 'c' });

  it('is JSON with the thread in one header', () => {
    expect(toResponse(answer, 'json', 'ä', runUrl)).toEqual({
      status: 409,
      headers: { 'x-a': 'b', 'x-ms-session-id': '%C3%A4' },
      jsonBody: { error: 'Busy.', correlation_id: 'c' },
    });
  });

  it('is text with the thread in two headers', () => {
    expect(toResponse(answer, 'text', 'ä', runUrl)).toEqual({
      status: 409,
      headers: {
        'x-a': 'b',
        'x-ms-session-id': '%C3%A4',
        'content-type': 'text/plain; charset=utf-8',
        'x-ms-thread-id': '%C3%A4',
      },
      body: 'Busy.',
    });
  });

  it.each(['', '/', '?code=a/', '/?code=a'])('to …/run%s has the address of its run', (end) => {
    const { headers } = toResponse(timeoutAnswer(run, 'a/b', 202), 'json', 'a/b', runUrl + end);

    const location = new Headers(headers).get('location') ?? '';
    expect(new URL(location, runUrl + end).pathname).toBe(`/api/agents/Echo/threads/a%2Fb/runs/${correlationId}`);
  });
});

it.each([
  ['', ''],
  ['thread 1~!', 'thread 1~!'],
  ['50%', '50%25'],
  ['ä', '%C3%A4'],
  ['a\u007Fb', 'a%7Fb'],
  ['a\nb', 'a%0Ab'],
])('the thread id %j is %j in a header', (threadId, text) => {
  expect(headerText(threadId)).toBe(text);
});
