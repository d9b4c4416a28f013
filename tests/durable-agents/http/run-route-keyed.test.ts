import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createRunRoute, type RunRouteOptions } from '../../../src/durable-agents/http/run-route.js';
import { sseFrame } from '../../../src/functions/sse.js';
import { correlationIdOfKey, threadIdOfKey } from '../../../src/durable-agents/http/idempotency-key.js';
import type { RunRecord } from '../../../src/durable-agents/runs/run-record.js';
import { RunRecords } from '../../../src/durable-agents/runs/run-records.js';
import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';
import { RunCompletionNotifier } from '../../../src/durable-agents/run-completion-notifier.js';
import type { FollowOptions, RunEventSource } from '../../../src/durable-agents/run-event-source.js';
import { runRequestSchema } from '../../../src/durable-agents/run-request.js';
import type { ThreadContent } from '../../../src/durable-agents/thread/thread-state.js';
import { type DurableTaskServer, type Signal, startDurableTaskServer } from '../../support/durable-task-server.js';
import { HookedKeyValueStore } from '../../support/hooked-key-value-store.js';
import { httpAnswer } from '../../support/http-answer.js';
import { createAccess } from '../../support/callback-invocation.js';
import { messageRules } from '../../support/message-rules.js';
import { httpRequest, type RequestParts } from '../../support/http-request.js';
import { parseSse } from '../../support/sse-events.js';
import { threadState, turnEntries } from '../../support/thread-entries.js';

const id = correlationIdOfKey('ScriptedAgent', 'thread-1', 'key-1');
const entity = 'dafx-ScriptedAgent/thread-1';
const run = { agentName: 'ScriptedAgent', threadId: 'thread-1', correlationId: id };
const sunny = { $type: 'text', text: 'Sunny.' } as const;
const later = { $type: 'error', message: 'Later.', errorCode: 'rate_limited' } as const;

/** An entity with an earlier turn that runs each correlation id once. */
const entityThatAnswers =
  (content: ThreadContent) =>
  ({ input }: Signal) => {
    const { correlationId, message } = runRequestSchema.parse(input);
    return threadState(...turnEntries('earlier', 'Hi', sunny), ...turnEntries(correlationId, message, content));
  };

/** An entity that already has the same run with another message. */
const entityAskedBefore = ({ input, ...signal }: Signal) =>
  entityThatAnswers(sunny)({ ...signal, input: { ...runRequestSchema.parse(input), message: 'Hello' } });

/** A thread that already contains the run. */
const answeredWith = (content: ThreadContent, message = 'Hi') => ({
  states: { [entity]: threadState(...turnEntries(id, message, content)) },
});

const silent = () => undefined;
const headers = { 'idempotency-key': 'key-1' };
const json: RequestParts = { json: { message: 'Hi', thread_id: 'thread-1' }, headers };
const text: RequestParts = { body: 'Hi', query: '?thread_id=thread-1', headers };
const notWaiting = (parts: RequestParts) => ({
  ...parts,
  headers: { ...parts.headers, 'x-ms-wait-for-response': 'false' },
});
const streaming = (parts: RequestParts) => ({ ...parts, headers: { ...parts.headers, accept: 'text/event-stream' } });

function post(server: DurableTaskServer, parts: RequestParts, options: Partial<RunRouteOptions> = {}) {
  const handler = createRunRoute({
    agentName: 'ScriptedAgent',
    completions: new RunCompletionNotifier(),
    pollIntervalMs: 20,
    timeoutStatus: 500,
    maxWaitMs: 10_000,
    access: createAccess(),
    messageRules: messageRules({ maxBytes: 1000 }),
    runRecords: new RunRecords(new MemoryKeyValueStore()),
    ...options,
  });
  return httpAnswer(handler, httpRequest(parts), server.context);
}

/** Streams one event, and ends with the run. */
function createRunEvents() {
  const options: (FollowOptions | undefined)[] = [];
  const runEvents: RunEventSource = {
    maxDurationMs: 10_000,
    follow: async ({ correlationId }, ended, followOptions) => {
      options.push(followOptions);
      const frames = (async function* (): AsyncGenerator<Uint8Array, 'ended' | 'limit'> {
        yield Buffer.from(sseFrame({ event: 'stream', data: correlationId }));
        if (!ended.aborted) {
          await new Promise((resolve) => {
            ended.addEventListener('abort', resolve);
          });
        }
        return 'ended';
      })();
      return { frames, close: () => {} };
    },
  };
  return { runEvents, options };
}

const conflict = 'The Idempotency-Key was used before, with another message.';

describe('a run request with an idempotency key', () => {
  it('uses the correlation id derived from agent, thread and key', async () => {
    const server = await startDurableTaskServer(entityThatAnswers(sunny));

    const answer = await post(server, json);

    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)).toMatchObject({ response: 'Sunny.', correlation_id: id, message_count: 4 });
    expect(server.signals).toMatchObject([{ entity, input: { correlationId: id, message: 'Hi' } }]);
  });

  it('uses a thread derived from agent and key if it names none', async () => {
    const server = await startDurableTaskServer(entityThatAnswers(sunny));
    const threadId = threadIdOfKey('ScriptedAgent', 'key-1');

    const answer = await post(server, { ...json, json: { message: 'Hi' } });

    const correlationId = correlationIdOfKey('ScriptedAgent', threadId, 'key-1');
    expect(JSON.parse(answer.text)).toMatchObject({ thread_id: threadId, correlation_id: correlationId });
  });

  it('is rejected in JSON if the key is invalid, without a read or signal', async () => {
    const server = await startDurableTaskServer(silent);

    const answer = await post(server, { ...text, headers: { 'idempotency-key': 'a b' } });

    expect(answer).toMatchObject({ status: 400, contentType: 'application/json' });
    expect(JSON.parse(answer.text)).toEqual({ error: expect.stringMatching(/^Invalid Idempotency-Key: expected /) });
    expect([server.signals.length, server.readCount]).toEqual([0, 0]);
  });

  it('reads once before it sends, unlike one without a key', async () => {
    const server = await startDurableTaskServer(silent);

    await post(server, notWaiting(json));
    expect(server.readCount).toBe(1);
    await post(server, notWaiting({ ...json, headers: {} }));
    expect(server.readCount).toBe(1);
  });
});

describe('a repeated request', () => {
  it.each([
    { of: 'an answered run', content: sunny },
    { of: 'a failed run', content: later },
  ])('for $of gets the first answer, byte for byte, without a signal', async ({ content }) => {
    const server = await startDurableTaskServer(entityThatAnswers(content));

    const first = await post(server, json);
    const second = await post(server, json);

    expect(second).toEqual(first);
    expect(second.text).toBe(first.text);
    expect(server.signals).toHaveLength(1);
  });

  it.each([
    { how: 'in text', parts: text, content: sunny, status: 200, answer: 'Sunny.' },
    { how: 'in text', parts: text, content: later, status: 502, answer: 'Later.' },
    { how: 'at once', parts: notWaiting(text), content: later, status: 202, answer: 'Agent request accepted' },
  ])('is answered $how with $status', async ({ parts, content, status, answer }) => {
    const server = await startDurableTaskServer(silent, answeredWith(content));

    expect(await post(server, parts)).toMatchObject({ status, text: answer });
    expect(server.signals).toEqual([]);
  });

  it.each([
    { of: 'an answered run', content: sunny, result: { response: 'Sunny.', message_count: 2 } },
    { of: 'a failed run', content: later, result: { error: 'Later.', error_code: 'rate_limited' } },
  ])('that accepts server-sent events streams those of $of, then its result', async ({ content, result }) => {
    const server = await startDurableTaskServer(silent, answeredWith(content));
    const { runEvents, options } = createRunEvents();

    const answer = await post(server, streaming(json), { runEvents });

    expect(answer.headers.get('x-ms-correlation-id')).toBe(id);
    const { events } = parseSse(answer.text);
    expect(events.map(({ event }) => event)).toEqual(['stream', 'result']);
    expect(JSON.parse(events[1]?.data ?? '')).toMatchObject({ ...result, correlation_id: id });
    expect(options).toMatchObject([{ fromStart: true }]);
    expect(server.signals).toEqual([]);
  });

  it('that finds no answer yet sends a signal too, and streams the run from its start', async () => {
    const server = await startDurableTaskServer(entityThatAnswers(sunny));
    const { runEvents, options } = createRunEvents();

    const answer = await post(server, streaming(json), { runEvents });

    expect(JSON.parse(parseSse(answer.text).events.at(-1)?.data ?? '')).toMatchObject({ response: 'Sunny.' });
    expect(options).toMatchObject([{ fromStart: true }]);
    expect(server.signals).toHaveLength(1);
  });

  it('resumes the stream after Last-Event-ID', async () => {
    const server = await startDurableTaskServer(entityThatAnswers(sunny));
    const { runEvents, options } = createRunEvents();
    const parts = streaming(json);

    await post(server, { ...parts, headers: { ...parts.headers, 'last-event-id': 'a-7' } }, { runEvents });

    expect(options).toMatchObject([{ lastEventId: 'a-7' }]);
  });
});

describe('a request with another message under the same key', () => {
  const waysToAsk = [
    { how: 'waits', as: (parts: RequestParts) => parts },
    { how: 'does not wait', as: notWaiting },
    { how: 'streams', as: streaming },
  ];

  it.each(waysToAsk)('is rejected if the thread contains the run and the request $how', async ({ as }) => {
    const server = await startDurableTaskServer(silent, answeredWith(sunny, 'Hello'));
    const { runEvents } = createRunEvents();

    const answer = await post(server, as(json), { runEvents });

    expect(answer).toMatchObject({ status: 409, contentType: 'application/json' });
    expect(answer.text).toBe(JSON.stringify({ error: conflict }));
    expect(server.signals).toEqual([]);
  });

  it.each(waysToAsk)('is rejected if the run was accepted before and the request $how', async ({ as }) => {
    const server = await startDurableTaskServer(silent);
    const { runEvents } = createRunEvents();
    const runRecords = new RunRecords(new MemoryKeyValueStore());
    await runRecords.accept({ ...run, message: 'Hello', createdAt: new Date().toISOString() });

    expect(await post(server, as(json), { runEvents, runRecords })).toMatchObject({ status: 409 });
    expect(server.signals).toEqual([]);
  });

  it('is rejected in text if it was text', async () => {
    const server = await startDurableTaskServer(silent, answeredWith(sunny, 'Hello'));

    const answer = await post(server, text);

    expect(answer).toMatchObject({ status: 409, contentType: 'text/plain; charset=utf-8', text: conflict });
    expect(answer.headers.get('x-ms-thread-id')).toBe('thread-1');
  });

  it('is rejected while it waits if the other message reached the entity first', async () => {
    const waiting = await post(await startDurableTaskServer(entityAskedBefore), json);
    const { runEvents } = createRunEvents();
    const streamed = await post(await startDurableTaskServer(entityAskedBefore), streaming(json), { runEvents });

    expect(waiting).toMatchObject({ status: 409, text: JSON.stringify({ error: conflict }) });
    expect(parseSse(streamed.text).events.at(-1)).toMatchObject({
      event: 'result',
      data: JSON.stringify({ error: conflict }),
    });
  });

  it('is not detected falsely for half a surrogate pair, which UTF-8 cannot encode', async () => {
    const server = await startDurableTaskServer(silent, answeredWith(sunny, 'Hi \uFFFD'));

    expect(await post(server, { ...json, json: { message: 'Hi \uD83D', thread_id: 'thread-1' } })).toMatchObject({
      status: 200,
    });
  });
});

describe('the record of a run', () => {
  it.each([
    ['with an idempotency key', json],
    ['without one', { ...json, headers: {} }],
  ])('is created before the run is sent %s', async (_what, parts) => {
    const runRecords = new RunRecords(new MemoryKeyValueStore());
    let recorded: readonly RunRecord[] = [];
    const server = await startDurableTaskServer((signal) => {
      void runRecords.listOpen(run).then((open) => (recorded = open));
      return entityThatAnswers(sunny)(signal);
    });

    const { text: answer } = await post(server, parts, { runRecords });

    const { correlation_id: correlationId } = JSON.parse(answer);
    expect(recorded).toMatchObject([
      { correlationId, status: 'queued', message: 'Hi', createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) },
    ]);
  });

  it('answers a repeated request for a run that the conversation no longer contains', async () => {
    const runRecords = new RunRecords(new MemoryKeyValueStore());
    await runRecords.end(
      { ...run, message: 'Hi', createdAt: new Date().toISOString() },
      { status: 'completed', response: 'Sunny.', messageCount: 2 },
    );
    const server = await startDurableTaskServer(silent);

    const answer = await post(server, json, { runRecords });

    expect(JSON.parse(answer.text)).toMatchObject({ response: 'Sunny.', message_count: 2, correlation_id: id });
    expect(server.signals).toEqual([]);
  });

  it('answers with the Retry-After of the model, as the conversation does', async () => {
    const server = await startDurableTaskServer(silent, answeredWith({ ...later, details: { retryAfterSeconds: 7 } }));
    const fromConversation = await post(server, json);
    const runRecords = new RunRecords(new MemoryKeyValueStore());
    const end = { status: 'failed', error: 'Later.', errorCode: 'rate_limited', retryAfterSeconds: 7 } as const;
    await runRecords.end({ ...run, message: 'Hi', createdAt: new Date().toISOString() }, end);

    const fromRecord = await post(await startDurableTaskServer(silent), json, { runRecords });

    expect(fromRecord.headers.get('retry-after')).toBe('7');
    expect(fromRecord).toEqual(fromConversation);
  });

  it('determines when the run was accepted, whichever request sends it', async () => {
    const runRecords = new RunRecords(new MemoryKeyValueStore());
    const createdAt = '2026-01-07T15:40:00.000Z';
    await runRecords.accept({ ...run, message: 'Hi', createdAt });
    const server = await startDurableTaskServer(entityThatAnswers(sunny));

    await post(server, json, { runRecords });

    expect(server.signals).toMatchObject([{ input: { correlationId: id, createdAt } }]);
  });

  it('is removed if the run cannot be sent', async () => {
    const runRecords = new RunRecords(new MemoryKeyValueStore());
    const server = await startDurableTaskServer(() => {
      throw new Error('The queue is gone.');
    });

    expect(await post(server, json, { runRecords })).toMatchObject({ status: 500 });
    expect(await runRecords.find(run)).toBeUndefined();
  });

  it('is optional: if it cannot be created, the run continues with a warning', async () => {
    const server = await startDurableTaskServer(entityThatAnswers(sunny));
    const store = new HookedKeyValueStore(() => Promise.reject(new Error('store is down')));

    expect(await post(server, json, { runRecords: new RunRecords(store) })).toMatchObject({ status: 200 });
    expect(server.logLines).toEqual([expect.stringMatching(`^warn.*${id}.*accepted: Error: store is down`)]);
  });
});

describe('the slow creation of a run record', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  it('delays the run by at most 1 s', async () => {
    const server = await startDurableTaskServer(silent);
    const accepting = new AbortController();
    const store = new HookedKeyValueStore(() => {
      accepting.abort();
      return new Promise(() => {});
    });
    const isAccepting = once(accepting.signal, 'abort');

    const asking = post(server, notWaiting(json), { runRecords: new RunRecords(store) });
    await isAccepting;
    await vi.advanceTimersByTimeAsync(999);
    expect(server.signals).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);

    expect(await asking).toMatchObject({ status: 202 });
    expect(server.logLines).toEqual([expect.stringContaining('Timed out after 1000 ms')]);
  });
});

describe('an unreadable thread', () => {
  it('does not block a request if the error may be temporary, and logs a warning', async () => {
    const server = await startDurableTaskServer(entityThatAnswers(sunny), { failingReads: 1 });

    expect(await post(server, json)).toMatchObject({ status: 200 });
    expect(server.logLines).toEqual([expect.stringMatching(`^warn.*${id}.*thread thread-1 could not be read`)]);
  });

  it('of another version is rejected by the entity, as without a key', async () => {
    const state = { schemaVersion: '2.0.0' };
    const server = await startDurableTaskServer(() => state, { states: { [entity]: state } });

    const answer = await post(server, json);

    expect(JSON.parse(answer.text)).toMatchObject({ status: 'error', error_code: 'unreadable_thread_state' });
    expect(server.signals).toHaveLength(1);
    expect(server.logLines).toEqual([]);
  });
});
