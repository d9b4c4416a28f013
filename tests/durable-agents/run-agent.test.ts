import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AgentRunOptions } from '../../src/durable-agents/agent.js';
import { AgentError } from '../../src/durable-agents/errors.js';
import { parseThreadState } from '../../src/durable-agents/thread-state.js';
import { actingCallback } from '../support/acting-callback.js';
import { finish, reasoning, text } from '../support/agent-parts.js';
import { RecordingCallback } from '../support/recording-callback.js';
import { runRequest } from '../support/run-request.js';
import { ScriptedAgent } from '../support/scripted-agent.js';
import { takeTurn } from '../support/take-turn.js';
import { threadState, turnEntries } from '../support/thread-entries.js';

const question = runRequest().message;
const usage = { inputTokenCount: 5, outputTokenCount: 2, totalTokenCount: 7 };

const errorContentOf = (turn: Awaited<ReturnType<typeof takeTurn>>) => turn.response.messages[0]?.contents[0];

describe('a turn that is answered', () => {
  it('puts the request and its answer behind the history, with usage', async () => {
    const history = turnEntries('earlier', 'Hi', { $type: 'text', text: 'Hello' });
    const agent = new ScriptedAgent([
      text('It is '),
      text('sunny.'),
      finish({ usage: { ...usage, extra: { cached_input_token_count: 3 } } }),
    ]);

    const turn = await takeTurn(agent, { history });

    expect(turn.history).toEqual([
      ...history,
      {
        $type: 'request',
        correlationId: runRequest().correlationId,
        createdAt: runRequest().createdAt,
        messages: [{ role: 'user', contents: [{ $type: 'text', text: question }], createdAt: runRequest().createdAt }],
        responseType: 'json',
      },
      {
        $type: 'response',
        correlationId: runRequest().correlationId,
        createdAt: '2026-01-07T15:40:02.000Z',
        messages: [
          {
            role: 'assistant',
            contents: [{ $type: 'text', text: 'It is sunny.' }],
            createdAt: '2026-01-07T15:40:02.000Z',
            authorName: 'ScriptedAgent',
          },
        ],
        usage: { ...usage, extensionData: { cached_input_token_count: 3 } },
      },
    ]);
    expect(turn.response).toBe(turn.history.at(-1));
  });

  it('writes a history that can be read again', async () => {
    const turn = await takeTurn(new ScriptedAgent([reasoning('Hm.'), text('Sunny.'), finish({ usage })]));

    const written: unknown = JSON.parse(JSON.stringify(threadState(...turn.history)));

    expect(parseThreadState(written)).toEqual(written);
  });

  it('keeps the role of the request and the orchestration that asked', async () => {
    const request = runRequest({ role: 'system', orchestrationId: 'orchestration-1', responseType: 'text' });

    const turn = await takeTurn(new ScriptedAgent([finish()]), { request });

    expect(turn.history[0]).toMatchObject({
      messages: [{ role: 'system' }],
      orchestrationId: 'orchestration-1',
      responseType: 'text',
    });
  });

  it('has no usage when the model gave none', async () => {
    const turn = await takeTurn(new ScriptedAgent([text('Sunny.'), finish()]));

    expect(turn.response).not.toHaveProperty('usage');
  });

  it('may be empty', async () => {
    const callback = new RecordingCallback();

    const turn = await takeTurn(new ScriptedAgent([finish()]), { callback });

    expect(turn.response.messages[0]?.contents).toEqual([{ $type: 'text', text: '' }]);
    expect(callback.calls).toEqual(['onAgentResponse']);
    expect(callback.responses[0]).toMatchObject({ text: '', finishReason: 'stop' });
  });

  it('stores reasoning beside the answer, in the order of the stream', async () => {
    const agent = new ScriptedAgent([reasoning('Look '), reasoning('outside.'), text('Sunny.'), finish()]);

    const turn = await takeTurn(agent);

    expect(turn.response.messages[0]?.contents).toEqual([
      { $type: 'reasoning', text: 'Look outside.' },
      { $type: 'text', text: 'Sunny.' },
    ]);
  });

  it('that was cut at the token limit is an answer, marked as such', async () => {
    const callback = new RecordingCallback();

    await takeTurn(new ScriptedAgent([text('It is'), finish({ finishReason: 'length' })]), { callback });

    expect(callback.responses[0]).toMatchObject({ text: 'It is', finishReason: 'length' });
  });
});

describe('what the agent is told', () => {
  it('is the conversation so far and then the request, streamed', async () => {
    const agent = new ScriptedAgent([finish()]);
    const history = turnEntries('earlier', 'Hi', { $type: 'text', text: 'Hello' });

    await takeTurn(agent, { history });

    expect(agent.calls).toHaveLength(1);
    expect(agent.calls[0]?.streaming).toBe(true);
    expect(agent.calls[0]?.messages).toMatchObject([
      { role: 'user', contents: [{ text: 'Hi' }] },
      { role: 'assistant', contents: [{ text: 'Hello' }] },
      { role: 'user', contents: [{ text: question }] },
    ]);
  });

  it('leaves failed turns out, with the requests behind them', async () => {
    const agent = new ScriptedAgent([finish()]);
    const history = [
      ...turnEntries('failed', 'Bad', { $type: 'error', message: 'No.', errorCode: 'content_filter' }),
      ...turnEntries('answered', 'Good', { $type: 'text', text: 'Yes.' }),
    ];

    await takeTurn(agent, { history });

    expect(agent.calls[0]?.messages.flatMap(({ contents }) => contents)).toMatchObject([
      { text: 'Good' },
      { text: 'Yes.' },
      { text: question },
    ]);
  });

  it('leaves reasoning out, and messages that held nothing else', async () => {
    const agent = new ScriptedAgent([finish()]);
    const history = [
      ...turnEntries('1', 'One', { $type: 'reasoning', text: 'Hm.' }, { $type: 'text', text: 'First.' }),
      ...turnEntries('2', 'Two', { $type: 'reasoning', text: 'Hm.' }),
    ];

    await takeTurn(agent, { history });

    expect(agent.calls[0]?.messages.flatMap(({ contents }) => contents)).toMatchObject([
      { text: 'One' },
      { text: 'First.' },
      { text: 'Two' },
      { text: question },
    ]);
  });
});

describe('the same correlation id again', () => {
  it.each([
    { what: 'answered', content: { $type: 'text', text: 'Sunny.' } as const },
    { what: 'failed', content: { $type: 'error', message: 'No.', errorCode: 'rate_limited' } as const },
  ])('gives the response that is there when the run has $what', async ({ content }) => {
    const agent = new ScriptedAgent();
    const callback = new RecordingCallback();
    const { correlationId } = runRequest();
    const history = [
      ...turnEntries(correlationId, question, content),
      ...turnEntries('later', 'And tomorrow?', { $type: 'text', text: 'Rain.' }),
    ];

    const turn = await takeTurn(agent, { history, callback });

    expect(turn.history).toBe(history);
    expect(turn.response).toBe(history[1]);
    expect(agent.calls).toEqual([]);
    expect(callback.calls).toEqual([]);
  });

  it('runs when only the request was kept', async () => {
    const { correlationId } = runRequest();
    const history = turnEntries(correlationId, question).slice(0, 1);

    const turn = await takeTurn(new ScriptedAgent([text('Sunny.'), finish()]), { history });

    expect(turn.response.messages[0]?.contents).toMatchObject([{ text: 'Sunny.' }]);
  });
});

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
    expect(callback.calls).toEqual(['onStreamingResponseUpdate', 'onAgentError']);
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
    expect(callback.calls).toEqual(['onStreamingResponseUpdate', 'onAgentResponse']);
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
    expect(callback.calls).toEqual(['onAgentError']);
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
    expect(callback.calls).toEqual(['onAgentError']);
  });

  it('counts the time of callbacks, and lets the one that runs come to its end', async () => {
    const callback = new RecordingCallback();
    const slow = actingCallback(callback, (method) =>
      method === 'onStreamingResponseUpdate' ? delay(1000) : undefined,
    );
    const agent = new ScriptedAgent([text('a'), text('b'), text('c'), finish()]);

    const running = takeTurn(agent, { callback: slow, timeoutMs: 1500 });
    await vi.advanceTimersByTimeAsync(2000);

    expect(errorContentOf(await running)).toMatchObject({ errorCode: 'run_timeout' });
    expect(callback.calls).toEqual(['onStreamingResponseUpdate', 'onStreamingResponseUpdate', 'onAgentError']);
  });

  it('leaves no timer behind when the run has ended', async () => {
    await takeTurn(new ScriptedAgent([text('Sunny.'), finish()]), { callback: new RecordingCallback() });

    expect(vi.getTimerCount()).toBe(0);
  });
});

const delay = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));
