import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AgentRunOptions } from '../../src/durable-agents/agent.js';
import { AgentError } from '../../src/durable-agents/errors.js';
import { actingCallback } from '../support/acting-callback.js';
import { finish, reasoning, text } from '../support/agent-parts.js';
import { RecordingCallback } from '../support/recording-callback.js';
import { runRequest } from '../support/run-request.js';
import { ScriptedAgent } from '../support/scripted-agent.js';
import { takeTurn } from '../support/take-turn.js';

/** What the response says that went wrong. */
const errorContentOf = (turn: Awaited<ReturnType<typeof takeTurn>>) => turn.response.messages[0]?.contents[0];

describe('a turn that fails', () => {
  it('is a response with an error, told to the callback once', async () => {
    const callback = new RecordingCallback();
    const failure = new AgentError('rate_limited', 'The model is over its rate limit.');

    const turn = await takeTurn(new ScriptedAgent([text('It is'), failure]), { callback });

    expect(turn.response).toEqual({
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
    expect(turn.history).toHaveLength(2);
    expect(callback.calls).toEqual(['onAgentStart', 'onStreamingResponseUpdate', 'onAgentError']);
    expect(callback.errors).toEqual([failure]);
  });

  it.each([
    { what: 'throws', agent: new ScriptedAgent([new Error('secret-key at https://internal.example')]) },
    { what: 'throws no Error', agent: new ScriptedAgent([() => Promise.reject('secret-key')]) },
    { what: 'throws before it streams', agent: new ScriptedAgent() },
  ])('hides the words of an agent that $what', async ({ agent }) => {
    const callback = new RecordingCallback();

    const turn = await takeTurn(agent, { callback });

    const told = { $type: 'error', message: 'The agent failed unexpectedly.', errorCode: 'agent_error' };
    expect(errorContentOf(turn)).toEqual(told);
    expect(callback.errors[0]).toMatchObject({ message: told.message, code: told.errorCode });
  });

  it('logs the cause with agent, thread and correlation id', async () => {
    const cause = new Error('connect ECONNREFUSED');
    const failure = new AgentError('connection_failed', 'The model could not be reached.', { cause });

    const { log } = await takeTurn(new ScriptedAgent([failure]));

    const [warning] = log.lines.filter((line) => line.startsWith('warn'));
    expect(warning).toContain(`[ScriptedAgent][${runRequest().correlationId}]`);
    expect(warning).toContain('thread-1');
    expect(warning).toContain('connect ECONNREFUSED');
  });

  it('because its stream ends without a finish is incomplete, whatever was said', async () => {
    const turn = await takeTurn(new ScriptedAgent([text('It is')]));

    expect(errorContentOf(turn)).toMatchObject({ errorCode: 'incomplete_response' });
  });
});

describe('a broken attempt', () => {
  const cut = new AgentError('connection_lost', 'The connection was lost.', { recovery: 'retry' });
  const noStreaming = new AgentError('model_rejected_request', 'No.', { recovery: 'retry-without-streaming' });
  const answer = [text('Sunny.'), finish()];
  const highHalf = '\u{1F324}'.charAt(0);

  it.each([
    { what: 'an error that allows it', first: [cut], streaming: true },
    { what: 'a stream that just ends', first: [], streaming: true },
    { what: 'half a surrogate pair, which nobody saw', first: [text(highHalf), cut], streaming: true },
    { what: 'a model that refuses to stream', first: [noStreaming], streaming: false },
  ])('is repeated after $what', async ({ first, streaming }) => {
    const callback = new RecordingCallback();
    const agent = new ScriptedAgent(first, answer);

    await takeTurn(agent, { callback });

    expect(agent.calls.map((call) => call.streaming)).toEqual([true, streaming]);
    expect(agent.calls[1]?.messages).toEqual(agent.calls[0]?.messages);
    expect(callback.calls).toEqual(['onAgentStart', 'onStreamingResponseUpdate', 'onAgentResponse']);
    expect(callback.responses[0]?.text).toBe('Sunny.');
  });

  it.each([
    { what: 'text was seen', first: [text('It'), cut], code: 'connection_lost' },
    { what: 'reasoning was seen', first: [reasoning('Hm'), cut], code: 'connection_lost' },
    { what: 'text was seen and the stream just ends', first: [text('It')], code: 'incomplete_response' },
    { what: 'the error rules it out', first: [new AgentError('rate_limited', 'Later.')], code: 'rate_limited' },
    { what: 'the error is unknown', first: [new Error('bug')], code: 'agent_error' },
  ])('is not repeated when $what', async ({ first, code }) => {
    const agent = new ScriptedAgent(first, answer);

    const turn = await takeTurn(agent);

    expect(agent.calls).toHaveLength(1);
    expect(errorContentOf(turn)).toMatchObject({ errorCode: code });
  });

  it('is repeated once only', async () => {
    const callback = new RecordingCallback();
    const agent = new ScriptedAgent([cut], [cut], answer);

    const turn = await takeTurn(agent, { callback });

    expect(agent.calls).toHaveLength(2);
    expect(errorContentOf(turn)).toMatchObject({ errorCode: 'connection_lost' });
    expect(callback.calls).toEqual(['onAgentStart', 'onAgentError']);
  });
});

describe('the time limit of a run', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it.each([
    { what: 'pays no heed to its signal', step: () => new Promise(() => {}) },
    { what: 'ends its stream when told to', step: ({ signal }: AgentRunOptions) => once(signal, 'abort') },
  ])('ends a run whose agent $what', async ({ step }) => {
    const callback = new RecordingCallback();
    const agent = new ScriptedAgent([step]);

    const running = takeTurn(agent, { callback, timeoutMs: 2500 });
    await vi.advanceTimersByTimeAsync(2499);
    expect(agent.calls[0]?.signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    const turn = await running;

    expect(errorContentOf(turn)).toEqual({
      $type: 'error',
      message: 'The run took longer than 2.5 s and was ended.',
      errorCode: 'run_timeout',
    });
    expect(agent.calls).toHaveLength(1);
    expect(agent.calls[0]?.signal.aborted).toBe(true);
    expect(callback.calls).toEqual(['onAgentStart', 'onAgentError']);
  });

  it('counts the time of callbacks, and tells of the end when the one that runs has returned', async () => {
    const callback = new RecordingCallback();
    const trace: string[] = [];
    const slow = actingCallback(callback, async (method) => {
      trace.push(`${method} begins`);
      if (method === 'onStreamingResponseUpdate') await delay(1000);
      trace.push(`${method} ends`);
    });
    const agent = new ScriptedAgent([text('a'), text('b'), text('c'), finish()]);

    const running = takeTurn(agent, { callback: slow, timeoutMs: 1500 });
    await vi.advanceTimersByTimeAsync(1500);
    expect(agent.calls[0]?.signal.aborted).toBe(true);
    await vi.advanceTimersByTimeAsync(1000);

    expect(errorContentOf(await running)).toMatchObject({ errorCode: 'run_timeout' });
    const methods = ['onAgentStart', 'onStreamingResponseUpdate', 'onStreamingResponseUpdate', 'onAgentError'];
    expect(trace).toEqual(methods.flatMap((method) => [`${method} begins`, `${method} ends`]));
  });

  it('leaves no timer behind when the run has ended', async () => {
    await takeTurn(new ScriptedAgent([text('Sunny.'), finish()]), { callback: new RecordingCallback() });

    expect(vi.getTimerCount()).toBe(0);
  });
});

const delay = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));
