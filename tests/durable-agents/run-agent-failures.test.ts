import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AgentRunOptions } from '../../src/durable-agents/agent.js';
import { AgentError } from '../../src/durable-agents/errors.js';
import { actingCallback } from '../support/acting-callback.js';
import { finish, text } from '../support/agent-parts.js';
import { RecordingCallback } from '../../src/durable-agents/testing/recording-callback.js';
import { builtInRedactors } from '../../src/durable-agents/redaction/built-in-redactors.js';
import { Redaction } from '../../src/durable-agents/redaction/redaction.js';
import { failRun, type RunResult } from '../../src/durable-agents/run-agent.js';
import { createRecordingLog } from '../support/recording-log.js';
import { runRequest } from '../support/run-request.js';
import { ScriptedAgent } from '../support/scripted-agent.js';
import { responseError } from '../../src/durable-agents/thread/thread-state.js';
import { turnEntries } from '../support/thread-entries.js';
import { runAgentOnce } from '../support/run-agent-once.js';

/** The error in the response. */
const errorContentOf = (result: RunResult) => result.response.messages?.[0]?.contents?.[0];

describe('a conversation that the model rejects as too long', () => {
  const tooLong = new AgentError('context_length_exceeded', 'Too long.');
  const history = ['1', '2', '3', '4'].flatMap((id) =>
    turnEntries(id, `Question ${id}`, { $type: 'text', text: 'Answer' }),
  );

  it('is retried once with half of the history, and the answer and the log say so', async () => {
    const agent = new ScriptedAgent([tooLong], [text('Sunny.'), finish()]);
    const callback = new RecordingCallback();

    const { response, log } = await runAgentOnce(agent, { history, callback });

    expect(agent.calls.map(({ messages }) => messages.length)).toEqual([9, 5]);
    expect(response.messages).toMatchObject([{ contents: [{ text: 'Sunny.' }] }]);
    expect(callback.responses).toMatchObject([{ text: 'Sunny.', omittedTurnCount: 2 }]);
    expect(log.lines).toContainEqual(expect.stringMatching(/^warn .*without the oldest 2 turns/));
  });

  it('fails if half of it is too long as well, and the failure and the log say so', async () => {
    const agent = new ScriptedAgent([tooLong], [tooLong]);
    const callback = new RecordingCallback();

    const { response, log } = await runAgentOnce(agent, { history, callback });

    expect(responseError(response)?.errorCode).toBe('context_length_exceeded');
    expect(agent.calls).toHaveLength(2);
    expect(callback.errors).toMatchObject([{ code: 'context_length_exceeded', omittedTurnCount: 2 }]);
    expect(log.lines).toContainEqual(expect.stringMatching(/^warn .*without the oldest 2 turns/));
  });

  it.each([
    ['has no history', [], [tooLong]],
    ['was partly answered', history, [text('Sun'), tooLong]],
  ])('is not retried if it %s', async (_what, earlier, attempt) => {
    const agent = new ScriptedAgent(attempt);
    await runAgentOnce(agent, { history: earlier });
    expect(agent.calls).toHaveLength(1);
  });
});

describe('a turn that fails', () => {
  it('becomes a response with an error, reported to the callback once', async () => {
    const callback = new RecordingCallback();
    const failure = new AgentError('rate_limited', 'The model is over its rate limit.');

    const result = await runAgentOnce(new ScriptedAgent([text('It is'), failure]), { callback });

    expect(result.response).toEqual({
      $type: 'response',
      correlationId: runRequest().correlationId,
      createdAt: '2026-01-07T15:40:02.000Z',
      messages: [
        {
          role: 'assistant',
          contents: [{ $type: 'error', message: 'The model is over its rate limit.', errorCode: 'rate_limited' }],
          createdAt: '2026-01-07T15:40:02.000Z',
          authorName: 'ScriptedAgent',
        },
      ],
    });
    expect(result.history).toHaveLength(2);
    expect(callback.calls).toEqual(['onAgentStart', 'onStreamingResponseUpdate', 'onAgentError']);
    expect(callback.errors).toEqual([failure]);
  });

  it.each([
    { what: 'throws', agent: new ScriptedAgent([new Error('secret-key at https://internal.example')]) },
    { what: 'throws something other than an Error', agent: new ScriptedAgent([() => Promise.reject('secret-key')]) },
    { what: 'throws before it streams', agent: new ScriptedAgent() },
  ])('hides the error text of an agent that $what', async ({ agent }) => {
    const callback = new RecordingCallback();

    const result = await runAgentOnce(agent, { callback });

    const told = { $type: 'error', message: 'The agent failed unexpectedly.', errorCode: 'agent_error' };
    expect(errorContentOf(result)).toEqual(told);
    expect(callback.errors[0]).toMatchObject({ message: told.message, code: told.errorCode });
  });

  it('logs the cause with agent, thread and correlation id', async () => {
    const cause = new Error('connect ECONNREFUSED');
    const failure = new AgentError('connection_failed', 'The model could not be reached.', { cause });

    const { log } = await runAgentOnce(new ScriptedAgent([failure]));

    const [warning] = log.lines.filter((line) => line.startsWith('warn'));
    expect(warning).toContain(`[ScriptedAgent][${runRequest().correlationId}]`);
    expect(warning).toContain('thread-1');
    expect(warning).toContain('connect ECONNREFUSED');
  });

  it.each<[string, AgentError, RegExp]>([
    ['nothing', new AgentError('busy', 'Later.'), /run failed: busy: Later\. \(thread thread-1\)$/],
    ['a value', new AgentError('busy', 'Later.', { cause: { status: 429 } }), /Later\. \(\{ status: 429 \}\) \(thread/],
    [
      'an error',
      new AgentError('busy', 'Later.', { cause: new TypeError('reset') }),
      /\. \(TypeError: reset\) \(thread/,
    ],
    [
      'a long error',
      new AgentError('busy', 'Later.', { cause: new Error('x'.repeat(501)) }),
      /\(Error: x{500}\) \(thread/,
    ],
    [
      'an unexpected error',
      new AgentError('agent_error', 'Failed.', { cause: new Error('bug') }),
      /agent_error: Failed\.\nError: bug\n {4}at .*\n \(thread thread-1\)$/s,
    ],
  ])('logs as its cause %s', async (_what, failure, line) => {
    const { log } = await runAgentOnce(new ScriptedAgent([failure]));

    expect(log.lines.at(-1)).toMatch(line);
  });

  it('stores when a retry may succeed', async () => {
    const failure = new AgentError('rate_limited', 'Later.', { retryAfterSeconds: 7 });

    const result = await runAgentOnce(new ScriptedAgent([failure]));

    expect(errorContentOf(result)).toMatchObject({ details: { retryAfterSeconds: 7 } });
  });

  it('before it starts is reported to the callback and stored, too', async () => {
    const callback = new RecordingCallback();
    const failure = new AgentError('too_many_attempts', 'Ask ada@example.com.');
    const log = createRecordingLog();
    const redaction = new Redaction([builtInRedactors.email]);
    const history = turnEntries('earlier', 'Hi', { $type: 'text', text: 'Hello' });
    const request = runRequest();
    const options = {
      agent: new ScriptedAgent(),
      threadId: 'thread-1',
      request,
      history,
      callback,
      log,
      timeoutMs: 1000,
    };

    const plain = await failRun({ ...options, attempt: 6, now: () => new Date(request.createdAt) }, failure);
    const redacted = await failRun({ ...options, redaction, redactAnswers: true }, failure);
    const shownOnly = await failRun({ ...options, redaction }, failure);

    expect(plain.history.slice(0, 2)).toEqual(history);
    expect(plain.history.slice(2)).toMatchObject([{ $type: 'request' }, { createdAt: request.createdAt }]);
    expect(plain.response).toBe(plain.history.at(-1));
    expect([plain, redacted, shownOnly].map(errorContentOf)).toMatchObject([
      { message: 'Ask ada@example.com.' },
      { message: 'Ask [redacted:email].' },
      { message: 'Ask ada@example.com.' },
    ]);
    expect(callback.calls).toEqual(['onAgentError', 'onAgentError', 'onAgentError']);
    expect(callback.errors.map(({ message }) => message)).toEqual([
      'Ask ada@example.com.',
      'Ask [redacted:email].',
      'Ask [redacted:email].',
    ]);
    expect(callback.contexts.map(({ attempt }) => attempt)).toEqual([6, 1, 1]);
    expect(Date.parse(shownOnly.response.createdAt ?? '')).toBeGreaterThan(Date.parse(request.createdAt));
  });

  it('because its stream ends without a finish is incomplete, whatever its text', async () => {
    const result = await runAgentOnce(new ScriptedAgent([text('It is')]));

    expect(errorContentOf(result)).toMatchObject({ errorCode: 'incomplete_response' });
  });
});

describe('the time limit of a run', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it.each([
    { what: 'ignores its signal', step: () => new Promise(() => {}) },
    { what: 'ends its stream on abort', step: ({ signal }: AgentRunOptions) => once(signal, 'abort') },
  ])('ends a run whose agent $what', async ({ step }) => {
    const callback = new RecordingCallback();
    const agent = new ScriptedAgent([step]);

    const running = runAgentOnce(agent, { callback, timeoutMs: 2500 });
    await vi.advanceTimersByTimeAsync(2249);
    expect(agent.calls[0]?.signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(251);
    const result = await running;

    expect(errorContentOf(result)).toEqual({
      $type: 'error',
      message: 'The run did not end within its time limit of 2.5 s.',
      errorCode: 'run_timeout',
    });
    expect(agent.calls).toHaveLength(1);
    expect(agent.calls[0]?.signal.aborted).toBe(true);
    expect(callback.calls).toEqual(['onAgentStart', 'onAgentError']);
  });

  it('includes the time of callbacks, and reports the end after the pending call has returned', async () => {
    const callback = new RecordingCallback();
    const trace: string[] = [];
    const slow = actingCallback(callback, async (method) => {
      trace.push(`${method} begins`);
      if (method === 'onStreamingResponseUpdate') await delay(700);
      trace.push(`${method} ends`);
    });
    const agent = new ScriptedAgent([text('a'), text('b'), text('c'), finish()]);

    const running = runAgentOnce(agent, { callback: slow, timeoutMs: 1500 });
    await vi.advanceTimersByTimeAsync(1360);
    expect(agent.calls[0]?.signal.aborted).toBe(true);
    expect(callback.calls).not.toContain('onAgentError');
    await vi.advanceTimersByTimeAsync(140);

    expect(errorContentOf(await running)).toMatchObject({ errorCode: 'run_timeout' });
    const methods = ['onAgentStart', 'onStreamingResponseUpdate', 'onStreamingResponseUpdate', 'onAgentError'];
    expect(trace).toEqual(methods.flatMap((method) => [`${method} begins`, `${method} ends`]));
  });

  it.each(['onAgentStart', 'onStreamingResponseUpdate', 'onAgentResponse', 'onAgentError'] as const)(
    'applies to a run whose callback hangs in %s',
    async (hanging) => {
      const callback = new RecordingCallback();
      const hang = (method: string) => (method === hanging ? new Promise<void>(() => {}) : undefined);
      const steps = hanging === 'onAgentError' ? [text('a'), new Error('broken')] : [text('a'), text('b'), finish()];
      let isOver = false;

      const running = runAgentOnce(new ScriptedAgent(steps), {
        callback: actingCallback(callback, hang),
        timeoutMs: 10_000,
      }).finally(() => (isOver = true));
      await vi.advanceTimersByTimeAsync(8000);
      expect(isOver).toBe(false);
      await vi.advanceTimersByTimeAsync(2000);
      expect(isOver).toBe(true);

      const last = hanging === 'onAgentResponse' ? 'onAgentResponse' : 'onAgentError';
      expect(callback.calls.at(-1)).toBe(last);
      const { log } = await running;
      expect(log.lines.filter((line) => line.includes('the run continues without it'))).toHaveLength(1);
      expect(vi.getTimerCount()).toBe(0);
    },
  );

  it('leaves no timer behind after the run', async () => {
    await runAgentOnce(new ScriptedAgent([text('Sunny.'), finish()]), { callback: new RecordingCallback() });

    expect(vi.getTimerCount()).toBe(0);
  });
});

const delay = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

describe('a cancelled run', () => {
  it('fails with the reason, aborts the agent and passes its partial text to the callback', async () => {
    const controller = new AbortController();
    const callback = new RecordingCallback();
    const agent = new ScriptedAgent([
      text('It is'),
      ({ signal }: AgentRunOptions) => {
        controller.abort(new AgentError('cancelled', 'The run was cancelled.'));
        return signal.aborted ? new Promise(() => {}) : undefined;
      },
    ]);

    const result = await runAgentOnce(agent, { callback, signal: controller.signal });

    expect(errorContentOf(result)).toMatchObject({ errorCode: 'cancelled' });
    expect(callback.calls).toEqual(['onAgentStart', 'onStreamingResponseUpdate', 'onAgentError']);
  });

  it('never calls the agent if it was cancelled before it started', async () => {
    const agent = new ScriptedAgent([text('Sunny.'), finish()]);

    const result = await runAgentOnce(agent, {
      signal: AbortSignal.abort(new AgentError('cancelled', 'The run was cancelled.')),
    });

    expect(errorContentOf(result)).toMatchObject({ errorCode: 'cancelled' });
    expect(agent.calls).toEqual([]);
  });
});
