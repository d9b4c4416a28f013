import { describe, expect, it } from 'vitest';
import { parseThreadState } from '../../src/durable-agents/thread/thread-state.js';
import { finish, reasoning, text } from '../support/agent-parts.js';
import { RecordingCallback } from '../../src/durable-agents/testing/recording-callback.js';
import { runRequest } from '../support/run-request.js';
import { ScriptedAgent } from '../support/scripted-agent.js';
import { runAgentOnce } from '../support/run-agent-once.js';
import { threadState, turnEntries } from '../support/thread-entries.js';

const question = runRequest().message;
const usage = { inputTokenCount: 5, outputTokenCount: 2, totalTokenCount: 7 };

describe('an answered turn', () => {
  it('appends the request and its answer to the history, with usage', async () => {
    const history = turnEntries('earlier', 'Hi', { $type: 'text', text: 'Hello' });
    const agent = new ScriptedAgent([
      text('It is '),
      text('sunny.'),
      finish({ usage: { ...usage, extra: { cached_input_token_count: 3 } } }),
    ]);

    const result = await runAgentOnce(agent, { history });

    expect(result.history).toEqual([
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
    expect(result.response).toBe(result.history.at(-1));
  });

  it('writes a history that can be read again', async () => {
    const result = await runAgentOnce(new ScriptedAgent([reasoning('Hm.'), text('Sunny.'), finish({ usage })]));

    const written: unknown = JSON.parse(JSON.stringify(threadState(...result.history)));

    expect(parseThreadState(written)).toEqual(written);
  });

  it('keeps the role of the request and the orchestration that asked', async () => {
    const request = runRequest({ role: 'system', orchestrationId: 'orchestration-1', responseType: 'text' });

    const result = await runAgentOnce(new ScriptedAgent([finish()]), { request });

    expect(result.history[0]).toMatchObject({
      messages: [{ role: 'system' }],
      orchestrationId: 'orchestration-1',
      responseType: 'text',
    });
  });

  it('has no usage if the model reported none', async () => {
    const result = await runAgentOnce(new ScriptedAgent([text('Sunny.'), finish()]));

    expect(result.response).not.toHaveProperty('usage');
  });

  it('may have an empty answer', async () => {
    const callback = new RecordingCallback();

    const result = await runAgentOnce(new ScriptedAgent([finish()]), { callback });

    expect(result.response.messages?.[0]?.contents).toEqual([{ $type: 'text', text: '' }]);
    expect(callback.calls).toEqual(['onAgentStart', 'onAgentResponse']);
    expect(callback.responses[0]).toMatchObject({ text: '', finishReason: 'stop' });
  });

  it('stores reasoning with the answer, in stream order', async () => {
    const agent = new ScriptedAgent([reasoning('Look '), reasoning('outside.'), text('Sunny.'), finish()]);

    const result = await runAgentOnce(agent);

    expect(result.response.messages?.[0]?.contents).toEqual([
      { $type: 'reasoning', text: 'Look outside.' },
      { $type: 'text', text: 'Sunny.' },
    ]);
  });

  it('is marked if it was cut at the token limit', async () => {
    const callback = new RecordingCallback();

    await runAgentOnce(new ScriptedAgent([text('It is'), finish({ finishReason: 'length' })]), { callback });

    expect(callback.responses[0]).toMatchObject({ text: 'It is', finishReason: 'length' });
  });
});

describe('the input of the agent', () => {
  it('is the conversation so far and then the request', async () => {
    const agent = new ScriptedAgent([finish()]);
    const history = turnEntries('earlier', 'Hi', { $type: 'text', text: 'Hello' });

    await runAgentOnce(agent, { history });

    expect(agent.calls).toHaveLength(1);
    expect(agent.calls[0]?.messages).toMatchObject([
      { role: 'user', contents: [{ text: 'Hi' }] },
      { role: 'assistant', contents: [{ text: 'Hello' }] },
      { role: 'user', contents: [{ text: question }] },
    ]);
  });

  it('omits failed turns with their requests', async () => {
    const agent = new ScriptedAgent([finish()]);
    const history = [
      ...turnEntries('failed', 'Bad', { $type: 'error', message: 'No.', errorCode: 'content_filter' }),
      ...turnEntries('answered', 'Good', { $type: 'text', text: 'Yes.' }),
    ];

    await runAgentOnce(agent, { history });

    expect(agent.calls[0]?.messages.flatMap(({ contents }) => contents)).toMatchObject([
      { text: 'Good' },
      { text: 'Yes.' },
      { text: question },
    ]);
  });

  it('omits reasoning, and messages that contain nothing else', async () => {
    const agent = new ScriptedAgent([finish()]);
    const history = [
      ...turnEntries('1', 'One', { $type: 'reasoning', text: 'Hm.' }, { $type: 'text', text: 'First.' }),
      ...turnEntries('2', 'Two', { $type: 'reasoning', text: 'Hm.' }),
    ];

    await runAgentOnce(agent, { history });

    expect(agent.calls[0]?.messages.flatMap(({ contents }) => contents)).toMatchObject([
      { text: 'One' },
      { text: 'First.' },
      { text: 'Two' },
      { text: question },
    ]);
  });
});

describe('a repeated correlation id', () => {
  it.each([
    { what: 'answered', content: { $type: 'text', text: 'Sunny.' } as const },
    { what: 'failed', content: { $type: 'error', message: 'No.', errorCode: 'rate_limited' } as const },
  ])('returns the existing response if the run has $what', async ({ content }) => {
    const agent = new ScriptedAgent();
    const callback = new RecordingCallback();
    const { correlationId } = runRequest();
    const history = [
      ...turnEntries(correlationId, question, content),
      ...turnEntries('later', 'And tomorrow?', { $type: 'text', text: 'Rain.' }),
    ];

    const result = await runAgentOnce(agent, { history, callback });

    expect(result.history).toBe(history);
    expect(result.response).toBe(history[1]);
    expect(agent.calls).toEqual([]);
    expect(callback.calls).toEqual([]);
  });

  it('runs if only the request was stored', async () => {
    const { correlationId } = runRequest();
    const history = turnEntries(correlationId, question).slice(0, 1);

    const result = await runAgentOnce(new ScriptedAgent([text('Sunny.'), finish()]), { history });

    expect(result.response.messages?.[0]?.contents).toMatchObject([{ text: 'Sunny.' }]);
  });
});
