import { describe, expect, it } from 'vitest';
import { newThreadId } from '../support/agent-api.js';
import { contractApi } from './contract-target.js';

const ID = /^[0-9a-f]{32}$/;
const json = { 'content-type': 'application/json' };
const text = { 'content-type': 'text/plain' };

describe('the answer to POST agents/{agent}/run', () => {
  const api = contractApi();

  it('is the response as JSON, with these keys in this order', async () => {
    const threadId = newThreadId();
    const answer = await api.run({ message: ' Hello, 世界 😀 ', thread_id: threadId });
    expect(answer).toMatchObject({ status: 200, headers: json });
    const body = JSON.parse(answer.text);
    expect(Object.entries(body)).toEqual([
      ['response', expect.stringMatching(/./)],
      ['message', ' Hello, 世界 😀 '],
      ['thread_id', threadId],
      ['status', 'success'],
      ['correlation_id', expect.stringMatching(ID)],
      ['message_count', 2],
      ['session_id', threadId],
      ['sessionId', threadId],
      ['correlationId', body.correlation_id],
      ['messageCount', 2],
    ]);
    expect(answer.text).toBe(JSON.stringify(body));
  });

  it('is the response alone as text, with the thread id in a header', async () => {
    const threadId = newThreadId();
    const answer = await api.post('Hello', { query: `?thread_id=${threadId}`, headers: text });
    expect(answer).toMatchObject({
      status: 200,
      headers: { 'content-type': 'text/plain; charset=utf-8', 'x-ms-thread-id': threadId },
    });
    const [final] = (await api.events(threadId)).slice(-1);
    expect(final).toMatchObject({ event_type: 'final', response_text: answer.text });
  });

  it('is an acknowledgement with these keys in this order if the caller does not wait, and the run continues', async () => {
    const threadId = newThreadId();
    const answer = await api.run({ message: 'Hello', thread_id: threadId, wait_for_response: false });
    expect(answer).toMatchObject({ status: 202, headers: json });
    const body = JSON.parse(answer.text);
    expect(Object.entries(body)).toEqual([
      ['response', 'Agent request accepted'],
      ['message', 'Hello'],
      ['thread_id', threadId],
      ['status', 'accepted'],
      ['correlation_id', expect.stringMatching(ID)],
      ['session_id', threadId],
      ['sessionId', threadId],
      ['correlationId', body.correlation_id],
    ]);
    const events = await api.eventsOfEndedRuns(threadId, 1);
    expect(events.at(-1)).toMatchObject({ event_type: 'final', correlation_id: body.correlation_id });
  });

  it('is an acknowledgement as text if the caller does not wait', async () => {
    const answer = await api.post('Hello', { query: '?wait_for_response=false', headers: text });
    expect(answer).toMatchObject({
      status: 202,
      text: 'Agent request accepted',
      headers: { 'content-type': 'text/plain; charset=utf-8', 'x-ms-thread-id': expect.stringMatching(ID) },
    });
  });

  it('names a new thread if the request names none', async () => {
    const answers = await Promise.all([1, 2].map(() => api.run({ message: 'Hello', wait_for_response: false })));
    const [first, second] = answers.map((answer) => JSON.parse(answer.text).thread_id);
    expect([first, second]).toEqual([expect.stringMatching(ID), expect.stringMatching(ID)]);
    expect(first).not.toBe(second);
  });

  it('arrives once the final event of the run is readable', async () => {
    const threadId = newThreadId();
    const { response, correlation_id: correlationId } = await api.ask(threadId, 'Hello');
    expect((await api.events(threadId)).at(-1)).toMatchObject({
      event_type: 'final',
      correlation_id: correlationId,
      response_text: response,
    });
  });

  it.each([
    ['a JSON body', json, '{"message":"Hi"}', 'application/json'],
    [
      'a JSON body with parameters',
      { 'content-type': 'Application/JSON; charset=UTF-8' },
      '{"message":"Hi"}',
      'application/json',
    ],
    [
      'another kind of JSON',
      { 'content-type': 'application/cloudevents+json' },
      '{"message":"Hi"}',
      'application/json',
    ],
    ['a JSON body that accepts text', { ...json, accept: 'text/plain' }, '{"message":"Hi"}', 'application/json'],
    ['text', text, 'Hi', 'text/plain; charset=utf-8'],
    ['text that accepts anything', { ...text, accept: '*/*' }, 'Hi', 'text/plain; charset=utf-8'],
    ['a body without a content type', {}, 'Hi', 'text/plain; charset=utf-8'],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, 'Hi', 'text/plain; charset=utf-8'],
    ['text that accepts JSON', { ...text, accept: 'application/json' }, 'Hi', 'application/json'],
    [
      'text that accepts HTML or JSON',
      { ...text, accept: 'text/html, Application/Json;q=0.9' },
      'Hi',
      'application/json',
    ],
  ])('to %s has the expected content type', async (_what, headers, body, contentType) => {
    const answer = await api.post(body, { query: '?wait_for_response=false', headers });
    expect(answer).toMatchObject({ status: 202, headers: { 'content-type': contentType } });
  });

  it.each([
    ['not JSON', '{"message":', 'Invalid JSON'],
    ['empty', '', 'Invalid JSON'],
    ['not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'Invalid request body: expected UTF-8.'],
    ['a list', '[]', 'Invalid JSON payload. Expected an object.'],
    ['a string', '"Hi"', 'Invalid JSON payload. Expected an object.'],
    ['null', 'null', 'Invalid JSON payload. Expected an object.'],
  ])('to a JSON body that is %s explains the problem', async (_what, body, error) => {
    const answer = await api.post(body, { headers: json });
    expect(answer).toMatchObject({ status: 400, headers: json, text: JSON.stringify({ error }) });
  });

  it('to text without a message is an error as text', async () => {
    const answer = await api.post(' \n', { headers: text });
    expect(answer).toMatchObject({
      status: 400,
      text: 'Message is required',
      headers: { 'content-type': 'text/plain; charset=utf-8' },
    });
  });
});
