import { describe, expect, it } from 'vitest';
import { createRunRoute, type RunRouteOptions } from '../../../src/durable-agents/http/run-route.js';
import { RunRecords } from '../../../src/durable-agents/runs/run-records.js';
import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';
import { RunCompletionNotifier } from '../../../src/durable-agents/run-completion-notifier.js';
import { runRequestSchema } from '../../../src/durable-agents/run-request.js';
import type { ThreadContent } from '../../../src/durable-agents/thread/thread-state.js';
import { type DurableTaskServer, type Signal, startDurableTaskServer } from '../../support/durable-task-server.js';
import { httpAnswer } from '../../support/http-answer.js';
import { createAccess } from '../../support/callback-invocation.js';
import { messageRules } from '../../support/message-rules.js';
import { httpRequest, type RequestParts } from '../../support/http-request.js';
import { threadState, turnEntries } from '../../support/thread-entries.js';

/** An entity that answers a run with this content. */
const answering =
  (...contents: ThreadContent[]) =>
  ({ input }: Signal) => {
    const { correlationId, message } = runRequestSchema.parse(input);
    return threadState(...turnEntries(correlationId, message, ...contents));
  };

const sunny = answering({ $type: 'text', text: 'Sunny.' });
const failing = answering({ $type: 'error', message: 'Later.', errorCode: 'rate_limited' });
const silent = () => undefined;

const route = (options: Partial<RunRouteOptions> = {}) =>
  createRunRoute({
    agentName: 'ScriptedAgent',
    completions: new RunCompletionNotifier(),
    pollIntervalMs: 1000,
    timeoutStatus: 500,
    maxWaitMs: 30_000,
    access: createAccess(),
    messageRules: messageRules({ maxBytes: 1000 }),
    runRecords: new RunRecords(new MemoryKeyValueStore()),
    ...options,
  });

const post = (server: DurableTaskServer, parts: RequestParts, options?: Partial<RunRouteOptions>) =>
  httpAnswer(route(options), httpRequest(parts), server.context);

const json = { message: ' Hi ', thread_id: 'thread-1' };
const text = { body: ' Hi ', query: '?thread_id=thread-1' };
const noWait = { headers: { 'x-ms-wait-for-response': 'false' } };

const about = (status: string) => ({
  message: ' Hi ',
  thread_id: 'thread-1',
  status,
  correlation_id: expect.stringMatching(/^[0-9a-f]{32}$/),
});

const newNames = {
  session_id: 'thread-1',
  sessionId: 'thread-1',
  correlationId: expect.stringMatching(/^[0-9a-f]{32}$/),
};

describe('the answer in JSON', () => {
  it.each([
    {
      to: 'an answered run',
      onSignal: sunny,
      parts: { json },
      options: {},
      status: 200,
      answer: { response: 'Sunny.', ...about('success'), message_count: 2, ...newNames, messageCount: 2 },
    },
    {
      to: 'a failed run',
      onSignal: failing,
      parts: { json },
      options: {},
      status: 502,
      answer: {
        error: 'Later.',
        ...about('error'),
        error_code: 'rate_limited',
        ...newNames,
        errorCode: 'rate_limited',
      },
    },
    {
      to: 'a request that does not wait',
      onSignal: silent,
      parts: { json, ...noWait },
      options: {},
      status: 202,
      answer: { response: 'Agent request accepted', ...about('accepted'), ...newNames },
    },
    {
      to: 'a run that takes too long',
      onSignal: silent,
      parts: { json },
      options: { maxWaitMs: 30 },
      status: 500,
      answer: { response: 'Agent is still processing or timed out...', ...about('timeout'), ...newNames },
    },
  ])('to $to has these keys in this order', async ({ onSignal, parts, options, status, answer }) => {
    const response = await post(await startDurableTaskServer(onSignal), parts, options);

    expect(response).toMatchObject({ status, contentType: 'application/json' });
    expect(JSON.parse(response.text)).toEqual(answer);
    expect(Object.keys(JSON.parse(response.text))).toEqual(Object.keys(answer));
    expect(JSON.parse(response.text).correlationId).toBe(JSON.parse(response.text).correlation_id);
    expect(response.headers.get('x-ms-session-id')).toBe('thread-1');
    expect(response.headers.get('x-ms-thread-id')).toBeNull();
  });

  it.each(['application/json', 'text/html, Application/JSON;q=0.9'])(
    'is sent for a text request that accepts %s',
    async (accept) => {
      const response = await post(await startDurableTaskServer(sunny), { ...text, headers: { accept } });

      expect(JSON.parse(response.text)).toMatchObject({ response: 'Sunny.', message: 'Hi' });
    },
  );
});

describe('the answer in text', () => {
  it.each([
    { to: 'an answered run', onSignal: sunny, parts: text, status: 200, body: 'Sunny.' },
    { to: 'a failed run', onSignal: failing, parts: text, status: 502, body: 'Later.' },
    {
      to: 'a request that does not wait',
      onSignal: silent,
      parts: { ...text, ...noWait },
      status: 202,
      body: 'Agent request accepted',
    },
    {
      to: 'a run that takes too long',
      onSignal: silent,
      parts: text,
      status: 500,
      body: 'Agent is still processing or timed out...',
    },
    { to: 'no message', onSignal: silent, parts: { ...text, body: ' ' }, status: 400, body: 'Message is required' },
  ])('to $to names the thread in a header', async ({ onSignal, parts, status, body }) => {
    const response = await post(
      await startDurableTaskServer(onSignal),
      parts,
      status === 500 ? { maxWaitMs: 200 } : {},
    );

    expect(response).toMatchObject({ status, contentType: 'text/plain; charset=utf-8', text: body });
    expect(response.headers.get('x-ms-thread-id')).toBe('thread-1');
    expect(response.headers.get('x-ms-session-id')).toBe('thread-1');
  });
});

describe('the answer to a run that continues', () => {
  it.each([
    { what: 'a caller that does not wait', parts: { json, ...noWait }, status: 202 },
    { what: 'a caller whose time is up', parts: { json }, status: 500 },
    { what: 'a caller whose time is up, if 202 is set', parts: { json }, status: 202, timeoutStatus: 202 as const },
  ])('tells $what where and when to poll', async ({ parts, status, ...options }) => {
    const server = await startDurableTaskServer(silent);

    const response = await post(server, parts, { ...options, maxWaitMs: 30 });

    expect(response.status).toBe(status);
    const { correlation_id: id } = JSON.parse(response.text);
    expect(response.headers.get('location')).toBe(`threads/thread-1/runs/${id}`);
    expect(response.headers.get('retry-after')).toBe('2');
  });
});

it('a run response forwards the Retry-After of the model', async () => {
  const busy = answering({
    $type: 'error',
    message: 'Later.',
    errorCode: 'rate_limited',
    details: { retryAfterSeconds: 6.5 },
  });

  const response = await post(await startDurableTaskServer(busy), { json });

  expect(response.status).toBe(502);
  expect(response.headers.get('retry-after')).toBe('7');
});

it.each([
  ['jörg', 'j%C3%B6rg'],
  ['🌞 a', '%F0%9F%8C%9E%20a'],
  ['a%b', 'a%25b'],
  ['auth0|1 b', 'auth0|1 b'],
])('a run response encodes the thread id %s in headers as %s', async (threadId, header) => {
  const server = await startDurableTaskServer(silent);

  const response = await post(server, { body: 'Hi', query: `?thread_id=${encodeURIComponent(threadId)}`, ...noWait });

  expect(response.status).toBe(202);
  expect(response.headers.get('x-ms-thread-id')).toBe(header);
  expect(response.headers.get('x-ms-session-id')).toBe(header);
});

describe('a run request', () => {
  it('signals the entity of the thread', async () => {
    const server = await startDurableTaskServer(silent);

    await post(server, { json: { ...json, role: 'system' }, ...noWait });

    expect(server.signals).toEqual([
      {
        entity: 'dafx-ScriptedAgent/thread-1',
        operation: 'run',
        input: {
          message: ' Hi ',
          role: 'system',
          correlationId: expect.stringMatching(/^[0-9a-f]{32}$/),
          createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
          responseType: 'json',
          enableToolCalls: true,
        },
      },
    ]);
  });

  it('passes on how to treat a running run, the trace of its caller and the owner of the thread', async () => {
    const server = await startDurableTaskServer(silent);
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const access = createAccess({ authorize: async () => ({ id: 'ann' }) });
    const asked = httpRequest({
      json: { ...json, multitask_strategy: 'interrupt' },
      headers: { ...noWait.headers, traceparent },
    });

    await httpAnswer(route({ agentName: 'CallbackAgent', access }), asked, server.context);

    expect(server.signals).toMatchObject([
      { operation: 'run', input: { interrupts: true, traceParent: traceparent, ownerId: 'ann' } },
    ]);
  });

  it('to a busy thread is refused on request, with the id of the running run', async () => {
    const server = await startDurableTaskServer(silent);
    const runRecords = new RunRecords(new MemoryKeyValueStore());
    const running = { agentName: 'ScriptedAgent', threadId: 'thread-1', correlationId: 'a'.repeat(32) };
    await runRecords.accept({ ...running, message: 'Hi', createdAt: '2026-01-07T15:40:00.000Z' });

    const response = await post(server, { json: { ...json, multitask_strategy: 'reject' } }, { runRecords });

    expect(response.status).toBe(409);
    expect(JSON.parse(response.text)).toEqual({
      error: 'The thread is busy with another run.',
      correlation_id: running.correlationId,
    });
    expect(server.signals).toEqual([]);
  });

  it.each<[string, RequestParts, number, string]>([
    ['malformed JSON', { body: '{', headers: { 'content-type': 'application/json' } }, 400, 'Invalid JSON'],
    ['a body that is not an object', { json: [] }, 400, 'Invalid JSON payload. Expected an object.'],
    ['no message', { json: {} }, 400, 'Message is required'],
    ['a message that is too long', { json: { message: 'x'.repeat(1001) } }, 413, '1000 bytes'],
    ['an invalid thread id', { body: 'Hi', query: '?thread_id=a%2Fb' }, 400, 'Invalid thread_id'],
    ['a body that is too long', { body: 'x'.repeat(1024 * 1024 + 1) }, 413, '1048576 bytes'],
  ])('with %s is rejected in JSON, without a signal', async (_what, parts, status, error) => {
    const server = await startDurableTaskServer(silent);

    const response = await post(server, parts);

    expect(response).toMatchObject({ status, contentType: 'application/json' });
    expect(JSON.parse(response.text)).toEqual({ error: expect.stringContaining(error) });
    expect(server.signals).toEqual([]);
    expect(server.logLines).toEqual([]);
  });

  it('with hidden headers is rejected', async () => {
    const server = await startDurableTaskServer(silent);
    const request = httpRequest({ json });
    request.headers.delete('host');

    const response = await httpAnswer(route(), request, server.context);

    expect(response).toMatchObject({ status: 400, text: expect.stringContaining('\\"headers\\"') });
    expect(server.signals).toEqual([]);
  });

  it('to an unreadable thread is answered with the reason', async () => {
    const server = await startDurableTaskServer(() => ({ schemaVersion: '2.0.0' }));

    const response = await post(server, { json });

    expect(response).toMatchObject({ status: 502, text: expect.stringContaining('schema version 2.0.0') });
    expect(JSON.parse(response.text)).toMatchObject({ status: 'error', error_code: 'unreadable_thread_state' });
  });

  it('that fails unexpectedly is answered without details, but logged', async () => {
    const server = await startDurableTaskServer(silent);
    server.context.options.extraInputs = [];

    const response = await post(server, { json });

    expect(response).toMatchObject({ status: 500, contentType: 'application/json' });
    expect(response.text).toContain('invocation-1');
    expect(response.text).not.toContain('durable client');
    expect(server.logLines).toEqual([expect.stringMatching(/^error .*invocation-1.*durable client/s)]);
  });
});
