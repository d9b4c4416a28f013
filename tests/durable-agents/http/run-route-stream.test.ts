import { describe, expect, it } from 'vitest';
import { HttpError } from '../../../src/functions/http-error.js';
import { createRunRoute } from '../../../src/durable-agents/http/run-route.js';
import { sseFrame } from '../../../src/functions/sse.js';
import type {
  RunIdentity,
  FollowOptions,
  RunEventSource,
  RunEventStream,
} from '../../../src/durable-agents/run-event-source.js';
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
import { parseSse } from '../../support/sse-events.js';
import { threadState, turnEntries } from '../../support/thread-entries.js';

/** Streams one event at once, and ends with the run. */
class FakeRunEvents implements RunEventSource {
  readonly maxDurationMs: number;
  readonly followed: RunIdentity[] = [];
  readonly optionsOfFollowed: FollowOptions[] = [];
  closedCount = 0;
  readonly end: 'ended' | 'limit' | 'failure';

  constructor({ maxDurationMs = 10_000, end = 'ended' }: Partial<Pick<FakeRunEvents, 'maxDurationMs' | 'end'>> = {}) {
    this.maxDurationMs = maxDurationMs;
    this.end = end;
  }

  async follow(run: RunIdentity, ended: AbortSignal, options: FollowOptions): Promise<RunEventStream> {
    this.followed.push(run);
    this.optionsOfFollowed.push(options);
    const end = this.end;
    const frames = (async function* (): AsyncGenerator<Uint8Array, 'ended' | 'limit'> {
      yield Buffer.from(sseFrame({ event: 'stream', data: run.correlationId }));
      if (end === 'ended' && !ended.aborted) {
        await new Promise((resolve) => {
          ended.addEventListener('abort', resolve);
        });
      }
      if (end === 'failure') throw new Error('store is down');
      return end;
    })();
    return { frames, close: () => void (this.closedCount += 1) };
  }
}

const answering =
  (...contents: ThreadContent[]) =>
  ({ input }: Signal) => {
    const { correlationId, message } = runRequestSchema.parse(input);
    return threadState(...turnEntries(correlationId, message, ...contents));
  };

const sunny = answering({ $type: 'text', text: 'Sunny.' });
const failing = answering({ $type: 'error', message: 'Later.', errorCode: 'rate_limited' });
const silent = () => undefined;

const accept = 'text/event-stream';
const json = { json: { message: 'Hi', thread_id: 'thread-1' }, headers: { accept } };
const text = { body: 'Hi', query: '?thread_id=thread-1', headers: { accept } };

function post(server: DurableTaskServer, parts: RequestParts, runEvents?: RunEventSource) {
  const handler = createRunRoute({
    agentName: 'ScriptedAgent',
    completions: new RunCompletionNotifier(),
    pollIntervalMs: 20,
    timeoutStatus: 500,
    maxWaitMs: 30_000,
    access: createAccess(),
    messageRules: messageRules({ maxBytes: 1000 }),
    runRecords: new RunRecords(new MemoryKeyValueStore()),
    runEvents,
  });
  return httpAnswer(handler, httpRequest(parts), server.context);
}

describe('a run request that accepts server-sent events', () => {
  it.each([
    ['a JSON body', json],
    ['a text body', text],
    ['several accepted types', { ...json, headers: { accept: 'application/json, Text/Event-Stream;q=0.9' } }],
    ['wait_for_response false', { ...json, headers: { accept, 'x-ms-wait-for-response': 'false' } }],
  ])('with %s gets the events of the run, then its result', async (_what, parts) => {
    const runEvents = new FakeRunEvents();
    const answer = await post(await startDurableTaskServer(sunny), parts, runEvents);
    expect(answer).toMatchObject({ status: 200, contentType: 'text/event-stream' });
    const [run, ...others] = runEvents.followed;
    expect(others).toEqual([]);
    expect(run).toMatchObject({ agentName: 'ScriptedAgent', threadId: 'thread-1' });
    expect(answer.headers.get('x-ms-thread-id')).toBe('thread-1');
    expect(answer.headers.get('x-ms-session-id')).toBe('thread-1');
    expect(answer.headers.get('x-ms-correlation-id')).toBe(run?.correlationId);
    const { events } = parseSse(answer.text);
    expect(events.map(({ event }) => event)).toEqual(['stream', 'result']);
    expect(Object.entries(JSON.parse(events[1]?.data ?? ''))).toEqual([
      ['response', 'Sunny.'],
      ['message', 'Hi'],
      ['thread_id', 'thread-1'],
      ['status', 'success'],
      ['correlation_id', run?.correlationId],
      ['message_count', 2],
      ['session_id', 'thread-1'],
      ['sessionId', 'thread-1'],
      ['correlationId', run?.correlationId],
      ['messageCount', 2],
    ]);
    expect(runEvents.closedCount).toBe(1);
  });

  it('gets 200 with the error of a failed run as its result', async () => {
    const answer = await post(await startDurableTaskServer(failing), json, new FakeRunEvents());
    expect(answer.status).toBe(200);
    expect(JSON.parse(parseSse(answer.text).events.at(-1)?.data ?? '')).toMatchObject({
      error: 'Later.',
      status: 'error',
      error_code: 'rate_limited',
    });
  });

  it('gets the reason as its result if the thread cannot be read', async () => {
    const server = await startDurableTaskServer(() => ({ schemaVersion: '2.0.0' }));
    const answer = await post(server, json, new FakeRunEvents());
    const { events } = parseSse(answer.text);
    expect(events.at(-1)).toMatchObject({ event: 'result', data: expect.stringContaining('schema version 2.0.0') });
  });

  it.each([
    ['its stream must end first', { end: 'limit' as const, maxDurationMs: 40 }],
    ['the run takes longer than a stream may', { maxDurationMs: 40 }],
  ])('ends with a timeout result if %s', async (_what, options) => {
    const runEvents = new FakeRunEvents(options);
    const server = await startDurableTaskServer(silent);
    const answer = await post(server, json, runEvents);
    const { events } = parseSse(answer.text);
    expect(events.map(({ event }) => event)).toEqual(['stream', 'result']);
    expect(JSON.parse(events[1]?.data ?? '')).toMatchObject({ status: 'timeout' });
    expect(runEvents.closedCount).toBe(1);
    expect(server.logLines).toEqual([]);
  });

  it('gets its result even if its events become unreadable, which is logged', async () => {
    const runEvents = new FakeRunEvents({ end: 'failure' });
    const server = await startDurableTaskServer(sunny);
    const answer = await post(server, json, runEvents);
    const { events } = parseSse(answer.text);
    expect(events.map(({ event }) => event)).toEqual(['stream', 'result']);
    expect(JSON.parse(events[1]?.data ?? '')).toMatchObject({ response: 'Sunny.' });
    expect(server.logLines).toEqual([expect.stringMatching(/^warn.*invocation-1.*Error: store is down$/)]);
    expect(runEvents.closedCount).toBe(1);
  });

  it('streams from the end of the thread because its run is new', async () => {
    const runEvents = new FakeRunEvents();
    await post(await startDurableTaskServer(sunny), json, runEvents);
    expect(runEvents.optionsOfFollowed).toMatchObject([{ fromStart: false }]);
  });

  it('starts no run if there are too many streams', async () => {
    const server = await startDurableTaskServer(silent);
    const full: RunEventSource = {
      maxDurationMs: 1000,
      follow: () => Promise.reject(new HttpError(503, 'Too many.', { retryAfterSeconds: 5 })),
    };
    const answer = await post(server, text, full);
    expect(answer).toMatchObject({ status: 503, contentType: 'text/plain; charset=utf-8', text: 'Too many.' });
    expect(answer.headers.get('retry-after')).toBe('5');
    expect(server.signals).toEqual([]);
  });

  it('opens no stream if it is rejected', async () => {
    const runEvents = new FakeRunEvents();
    const server = await startDurableTaskServer(silent);
    const answer = await post(server, { ...json, json: { message: ' ' } }, runEvents);
    expect(answer).toMatchObject({ status: 400, contentType: 'application/json' });
    expect(runEvents.followed).toEqual([]);
  });

  it('closes its stream if the run cannot be started', async () => {
    const runEvents = new FakeRunEvents();
    const server = await startDurableTaskServer(() => {
      throw new Error('The task hub is gone');
    });
    const answer = await post(server, json, runEvents);
    expect(answer).toMatchObject({ status: 500, contentType: 'application/json' });
    expect(runEvents.closedCount).toBe(1);
  });

  it('is answered without a stream if the app has no events', async () => {
    const answer = await post(await startDurableTaskServer(sunny), json);
    expect(answer).toMatchObject({ status: 200, contentType: 'application/json' });
  });
});
