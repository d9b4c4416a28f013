import { tool } from 'ai';
import { convertArrayToReadableStream, MockLanguageModelV3 } from 'ai/test';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type AiSdkAgentOptions, createAiSdkAgent } from '../../examples/ai-sdk/ai-sdk-agent.js';
import { parseThreadState } from '../../src/durable-agents/thread/thread-state.js';
import { RecordingCallback, runOnce } from '../../src/durable-agents/testing/index.js';

type StreamPart =
  Awaited<ReturnType<MockLanguageModelV3['doStream']>>['stream'] extends ReadableStream<infer Part> ? Part : never;

const text = (...pieces: readonly string[]): StreamPart[] => [
  { type: 'text-start', id: 't' },
  ...pieces.map((delta): StreamPart => ({ type: 'text-delta', id: 't', delta })),
  { type: 'text-end', id: 't' },
];

const finish = (unified: 'stop' | 'tool-calls' | 'length' | 'content-filter' = 'stop'): StreamPart => ({
  type: 'finish',
  finishReason: { unified, raw: undefined },
  usage: {
    inputTokens: { total: 10, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
    outputTokens: { total: 4, text: undefined, reasoning: undefined },
  },
});

const callTool = (toolName: string, input: object): StreamPart[] => [
  { type: 'tool-call', toolCallId: 'call-1', toolName, input: JSON.stringify(input) },
  finish('tool-calls'),
];

/** A model of the AI SDK that streams one answer after the other. */
function mockModel(...answers: readonly (readonly StreamPart[])[]): MockLanguageModelV3 {
  return new MockLanguageModelV3({
    doStream: answers.map((parts) => ({ stream: convertArrayToReadableStream([...parts]) })),
  });
}

const getWeather = tool({
  description: 'Gives the weather of a city.',
  inputSchema: z.object({ city: z.string() }),
  execute: ({ city }) => {
    if (city === 'Atlantis') throw new Error('secret path');
    return { city, sky: 'sunny' };
  },
});

async function ask(options: Omit<AiSdkAgentOptions, 'name' | 'instructions'>) {
  const agent = createAiSdkAgent({ name: 'SdkAgent', instructions: 'Be brief.', ...options });
  const callback = new RecordingCallback();
  const run = await runOnce(agent, 'What is the weather in Paris?', { callback });
  return { agent, callback, ...run };
}

describe('an agent over the AI SDK', () => {
  it('streams its text, and reports usage', async () => {
    const { callback, response } = await ask({ model: mockModel([...text('It is ', 'sunny.'), finish()]) });

    expect(callback.updates).toEqual([
      { kind: 'text', text: 'It is ' },
      { kind: 'text', text: 'sunny.' },
    ]);
    expect(callback.responses[0]).toMatchObject({ text: 'It is sunny.', finishReason: 'stop' });
    expect(response.usage).toMatchObject({ inputTokenCount: 10, outputTokenCount: 4, totalTokenCount: 14 });
  });

  it('shows the tool calls of the SDK and their results, and stores them in the conversation', async () => {
    const model = mockModel(callTool('getWeather', { city: 'Paris' }), [...text('It is sunny.'), finish()]);
    const { callback, history } = await ask({ model, tools: { getWeather } });

    expect(callback.updates).toMatchObject([
      { kind: 'tool_call', callId: 'call-1', toolName: 'getWeather', arguments: { city: 'Paris' } },
      { kind: 'tool_result', callId: 'call-1', result: { city: 'Paris', sky: 'sunny' }, isError: false },
      { kind: 'text', text: 'It is sunny.', round: 2 },
    ]);
    const state = { schemaVersion: '1.1.0', data: { conversationHistory: history } };
    const stored = parseThreadState(state).data.conversationHistory.at(-1)?.messages ?? [];
    expect(stored.map(({ contents = [] }) => contents.map(({ $type }) => $type))).toEqual([
      ['functionCall'],
      ['functionResult'],
      ['text'],
    ]);
    expect(callback.responses[0]?.usage).toMatchObject({ inputTokenCount: 20, outputTokenCount: 8 });
  });

  it('passes the conversation to the model, with the tool calls of earlier turns', async () => {
    const model = mockModel(
      callTool('getWeather', { city: 'Paris' }),
      [...text('It is sunny.'), finish()],
      [...text('You are welcome.'), finish()],
    );
    const { agent, history } = await ask({ model, tools: { getWeather } });
    await runOnce(agent, 'Thanks!', { history });

    expect(model.doStreamCalls[2]?.prompt).toMatchObject([
      { role: 'system', content: 'Be brief.' },
      { role: 'user' },
      { role: 'assistant', content: [{ type: 'tool-call', toolName: 'getWeather', input: { city: 'Paris' } }] },
      { role: 'tool', content: [{ type: 'tool-result', output: { value: { city: 'Paris', sky: 'sunny' } } }] },
      { role: 'assistant', content: [{ type: 'text', text: 'It is sunny.' }] },
      { role: 'user', content: [{ type: 'text', text: 'Thanks!' }] },
    ]);
  });

  it('shows that a tool failed, without its error message', async () => {
    const model = mockModel(callTool('getWeather', { city: 'Atlantis' }), [...text('No idea.'), finish()]);
    const { callback } = await ask({ model, tools: { getWeather } });

    expect(callback.updates[1]).toMatchObject({ result: 'Error: getWeather failed.', isError: true });
    expect(callback.responses[0]?.text).toBe('No idea.');
  });

  it('fails if the content filter of the model withheld the answer', async () => {
    const model = mockModel([...text('It is'), finish('content-filter')]);
    const { callback } = await ask({ model });

    expect(callback.responses).toEqual([]);
    expect(callback.errors).toMatchObject([{ code: 'content_filter' }]);
  });

  it('asks for a structured answer with the schema', async () => {
    const model = mockModel([...text('{"sky":"sunny"}'), finish()]);
    const agent = createAiSdkAgent({ name: 'SdkAgent', instructions: 'Be brief.', model });
    const parts = agent.run([{ role: 'user', contents: [{ $type: 'text', text: 'Hi' }] }], {
      signal: new AbortController().signal,
      threadId: 't',
      correlationId: 'c',
      log: console,
      enableToolCalls: true,
      responseSchema: { type: 'object', properties: { sky: { type: 'string' } } },
    });
    const kinds: string[] = [];
    for await (const { kind } of parts) kinds.push(kind);

    expect(model.doStreamCalls[0]?.responseFormat).toMatchObject({ type: 'json', schema: { type: 'object' } });
    expect(kinds).toEqual(['text', 'finish']);
  });

  it('fails if the model keeps calling tools, and if the model fails', async () => {
    const looping = await ask({
      model: mockModel(callTool('getWeather', { city: 'Paris' }), callTool('getWeather', { city: 'Paris' })),
      tools: { getWeather },
      maxSteps: 2,
    });
    expect(looping.callback.errors[0]).toMatchObject({ code: 'too_many_tool_rounds' });

    const failing = await ask({
      model: new MockLanguageModelV3({ doStream: () => Promise.reject(new Error('secret address')) }),
    });
    expect(failing.callback.errors[0]).toMatchObject({
      code: 'agent_error',
      message: 'The agent failed unexpectedly.',
    });
  });
});
