import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newThreadId, streamEvents } from '../support/agent-api.js';
import { type AppWithModel, startAppWithModel } from '../support/app-with-model.js';
import { API_KEY } from '../support/scripted-model.js';
import { echoed } from '../support/echoed.js';
import type { ModelAnswer } from '../support/scripted-model.js';

/** Short limits for runs that would never end. Other runs do not use them, because a busy machine could exceed them. */
const LIMITS = {
  none: {},
  firstToken: { AZURE_OPENAI_FIRST_TOKEN_TIMEOUT_SECONDS: '3' },
  idle: { AZURE_OPENAI_STREAM_IDLE_TIMEOUT_SECONDS: '3' },
  run: { AGENT_RUN_TIMEOUT_SECONDS: '5' },
} as const;

const quickRetry = { 'retry-after-ms': '1' };

interface Failure {
  readonly answer: ModelAnswer;
  readonly code: string;
  readonly error?: string;
  /** The number of model calls. @default 1 */
  readonly attempts?: number;
  /** Limits of the app for this case. By default none is short. */
  readonly limit?: keyof typeof LIMITS;
}

/** Failures of the model, by message. */
const failures: Readonly<Record<string, Failure>> = {
  'a refused key': {
    answer: { status: 401, body: { error: { message: `Incorrect API key: ${API_KEY}`, code: 'invalid_api_key' } } },
    code: 'authentication_failed',
  },
  'a forbidden identity': {
    answer: { status: 403, body: { error: { message: 'Forbidden' } } },
    code: 'authentication_failed',
  },
  'an unknown deployment': {
    answer: { status: 404, body: { error: { message: 'No such deployment', code: 'DeploymentNotFound' } } },
    code: 'deployment_not_found',
  },
  'a rate limit': {
    answer: { status: 429, headers: quickRetry, body: { error: { message: 'Too many requests' } } },
    code: 'rate_limited',
    error: 'The model is over its rate limit. Try again in 1 s.',
    attempts: 3,
  },
  'an outage': {
    answer: { status: 503, headers: quickRetry, body: { error: { message: 'Unavailable' } } },
    code: 'model_unavailable',
    attempts: 3,
  },
  'a rejected request': {
    answer: { status: 400, body: { error: { message: 'Unsupported value', param: 'temperature' } } },
    code: 'model_rejected_request',
  },
  'a filtered prompt': {
    answer: { status: 400, body: { error: { message: 'Filtered', code: 'content_filter' } } },
    code: 'content_filter',
  },
  'a filtered answer': {
    answer: { pieces: ['It is'], finishReason: 'content_filter' },
    code: 'content_filter',
  },
  'silence in the middle': {
    answer: { pieces: ['It', ' is'], end: 'silence' },
    code: 'stream_stalled',
    limit: 'idle',
  },
  'silence from the start': { answer: { pieces: [], end: 'silence' }, code: 'model_timeout', limit: 'firstToken' },
  'a cut connection': { answer: { pieces: ['It', ' is'], end: 'cut' }, code: 'connection_lost' },
  'a connection that is cut at once': { answer: { pieces: [], end: 'cut' }, code: 'connection_lost', attempts: 2 },
  'an end without a finish reason': {
    answer: { pieces: ['It', ' is'], end: 'no-finish-reason' },
    code: 'incomplete_response',
  },
  'an end without a word': {
    answer: { pieces: [], end: 'no-finish-reason' },
    code: 'incomplete_response',
    attempts: 2,
  },
  'an endless answer': {
    answer: { pieces: Array.from({ length: 100 }, () => 'on '), pauseMs: 100 },
    code: 'run_timeout',
    error: 'The run did not end within its time limit of 5 s.',
    limit: 'run',
  },
};

describe('a run whose model fails', () => {
  const script = (message: string): ModelAnswer => failures[message]?.answer ?? echoed(message);
  let apps: Record<keyof typeof LIMITS, AppWithModel>;
  let target: AppWithModel;

  beforeAll(async () => {
    const [none, firstToken, idle, run] = await Promise.all([
      startAppWithModel(script, LIMITS.none),
      startAppWithModel(script, LIMITS.firstToken),
      startAppWithModel(script, LIMITS.idle),
      startAppWithModel(script, LIMITS.run),
    ]);
    apps = { none, firstToken, idle, run };
    target = none;
  });

  afterAll(() => Promise.all(Object.values(apps).map((app) => app.stop())));

  const cases = Object.entries(failures).map(([message, failure]) => ({ message, ...failure }));

  it.each(cases)('($message) answers 502 with $code, and leaves the thread usable', async (failure) => {
    const { message, code, error = expect.stringMatching(/^[A-Z].*\.$/), attempts = 1, limit = 'none' } = failure;
    const { api, model } = apps[limit];
    const threadId = newThreadId();
    const asked = model.requests.length;

    const answer = await api.run({ message, thread_id: threadId });
    expect(answer).toMatchObject({ status: 502, headers: { 'content-type': 'application/json' } });
    const body = JSON.parse(answer.text);
    expect(Object.entries(body)).toEqual([
      ['error', error],
      ['message', message],
      ['thread_id', threadId],
      ['status', 'error'],
      ['correlation_id', expect.stringMatching(/^[0-9a-f]{32}$/)],
      ['error_code', code],
      ['session_id', threadId],
      ['sessionId', threadId],
      ['correlationId', body.correlation_id],
      ['errorCode', code],
    ]);
    expect(model.requests.length - asked).toBe(attempts);

    const events = await api.events(threadId);
    const pieces = 'pieces' in failure.answer ? failure.answer.pieces : [];
    const texts = streamEvents(events).map(({ text }) => text);
    expect(texts).toEqual(pieces.slice(0, texts.length));
    expect(texts.length > 0).toBe(pieces.length > 0);
    expect(events.map((event) => event.event_type)).toEqual([...texts.map(() => 'stream'), 'failed']);
    expect(Object.entries(events.at(-1) ?? {}).slice(1, 8)).toEqual([
      ['agent_name', 'CallbackAgent'],
      ['thread_id', threadId],
      ['correlation_id', body.correlation_id],
      ['request_message', message],
      ['event_type', 'failed'],
      ['error_code', code],
      ['error_message', body.error],
    ]);

    expect(await api.ask(threadId, 'Still there?')).toMatchObject({ message_count: 4 });
    expect(model.requests.at(-1)?.body.messages.slice(1)).toEqual([{ role: 'user', content: 'Still there?' }]);
  });

  it('answers with the error alone if the request was text', async () => {
    const threadId = newThreadId();
    const answer = await target.api.post('an unknown deployment', { query: `?thread_id=${threadId}` });
    expect(answer).toMatchObject({
      status: 502,
      headers: { 'content-type': 'text/plain; charset=utf-8', 'x-ms-thread-id': threadId },
      text: 'The model deployment was not found.',
    });
  });

  it.each(['a refused key', 'an unknown deployment', 'a cut connection'])(
    '(%s) reveals neither key, address nor stack to callers and readers',
    async (message) => {
      const { api, model } = target;
      const threadId = newThreadId();
      const answer = await api.run({ message, thread_id: threadId });
      const { text: events } = await api.callbacks('GET', threadId);
      const secrets = [API_KEY, new URL(model.endpoint).host, '    at ', 'node_modules'];
      expect(secrets.filter((secret) => `${answer.text}${events}`.includes(secret))).toEqual([]);
    },
  );

  it('is logged with agent, correlation id, thread and the error of the model', async () => {
    const { api, app } = target;
    const threadId = newThreadId();
    const answer = await api.run({ message: 'an unknown deployment', thread_id: threadId });
    const { correlation_id: id } = JSON.parse(answer.text);
    const failed = String.raw`warn.* \[CallbackAgent\]\[${id}\] run failed: deployment_not_found: .*404 .*\(thread ${threadId}\)`;
    await expect.poll(() => app.output()).toMatch(new RegExp(failed));
    await expect.poll(() => app.output()).toContain(`[CallbackAgent][${id}] failure recorded: deployment_not_found`);
  });
});
