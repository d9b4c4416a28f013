import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { AgentError } from '../../../src/durable-agents/errors.js';
import { parseThreadState } from '../../../src/durable-agents/thread/thread-state.js';
import { createModelAgent } from '../../../src/durable-agents/tools/model-agent.js';
import { RunSteps } from '../../../src/durable-agents/tools/run-steps.js';
import { type ToolContext } from '../../../src/durable-agents/tools/tool.js';
import { type ScriptedAnswer, ScriptedChatModel } from '../../../src/durable-agents/testing/scripted-chat-model.js';
import { finish, reasoning, text } from '../../support/agent-parts.js';
import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';
import { createRecordingLog } from '../../support/recording-log.js';
import { createGate } from '../../support/gate.js';
import { runRequest } from '../../support/run-request.js';
import { runAgentOnce } from '../../support/run-agent-once.js';
import { threadState } from '../../support/thread-entries.js';
import { call, tool, weather, runWith, resultsOf } from './run-tools.js';

const usage = (input: number, output: number) => ({
  usage: {
    inputTokenCount: input,
    outputTokenCount: output,
    totalTokenCount: input + output,
    extra: { cached_input_token_count: 1 },
  },
});

describe('a run whose model calls a tool', () => {
  const answers: ScriptedAnswer[] = [
    [reasoning('Hm.'), text('Let me see.'), call('get_weather', { location: 'Paris' }), finish(usage(10, 5))],
    [text('It is '), text('sunny.'), finish(usage(20, 7))],
  ];

  it('calls the model again with the result, and returns its answer', async () => {
    const { model, callback, response } = await runWith({ tools: [weather] }, ...answers);

    expect(model.requests[0]?.tools).toMatchObject([
      {
        name: 'get_weather',
        description: 'Gives the weather of a place.',
        parameters: {
          type: 'object',
          properties: { location: { type: 'string', description: 'A city' }, days: { default: 1 } },
          required: ['location'],
        },
      },
    ]);
    expect(model.requests[1]?.messages).toEqual([
      ...(model.requests[0]?.messages ?? []),
      {
        role: 'assistant',
        contents: [
          { $type: 'text', text: 'Let me see.' },
          { $type: 'functionCall', callId: 'call-1', name: 'get_weather', arguments: { location: 'Paris' } },
        ],
      },
      {
        role: 'tool',
        contents: [{ $type: 'functionResult', callId: 'call-1', result: { location: 'Paris', days: 1, sky: 'sunny' } }],
      },
    ]);
    expect(callback.responses[0]?.text).toBe('It is sunny.');
    expect(response.usage).toEqual({
      inputTokenCount: 30,
      outputTokenCount: 12,
      totalTokenCount: 42,
      extensionData: { cached_input_token_count: 2 },
    });
  });

  it('yields the call and its result as frozen updates, and numbers later rounds', async () => {
    const { callback } = await runWith({ tools: [weather] }, ...answers);

    expect(callback.updates).toEqual([
      { kind: 'reasoning', text: 'Hm.' },
      { kind: 'text', text: 'Let me see.' },
      { kind: 'tool_call', text: '', callId: 'call-1', toolName: 'get_weather', arguments: { location: 'Paris' } },
      {
        kind: 'tool_result',
        text: '',
        callId: 'call-1',
        toolName: 'get_weather',
        result: { location: 'Paris', days: 1, sky: 'sunny' },
        isError: false,
        durationMs: expect.any(Number),
      },
      { kind: 'text', text: 'It is ', round: 2 },
      { kind: 'text', text: 'sunny.', round: 2 },
    ]);
    expect(() => Object.assign(resultsOf(callback.updates)[0]?.result ?? {}, { sky: 'dark' })).toThrow(TypeError);
  });

  it('stores the call and its result in the history, in a readable format', async () => {
    const { response, history } = await runWith({ tools: [weather] }, ...answers);

    expect(response.messages?.map(({ role, contents }) => ({ role, contents }))).toEqual([
      {
        role: 'assistant',
        contents: [
          { $type: 'reasoning', text: 'Hm.' },
          { $type: 'text', text: 'Let me see.' },
          { $type: 'functionCall', callId: 'call-1', name: 'get_weather', arguments: { location: 'Paris' } },
        ],
      },
      {
        role: 'tool',
        contents: [{ $type: 'functionResult', callId: 'call-1', result: { location: 'Paris', days: 1, sky: 'sunny' } }],
      },
      { role: 'assistant', contents: [{ $type: 'text', text: 'It is sunny.' }] },
    ]);
    const written: unknown = JSON.parse(JSON.stringify(threadState(...history)));
    expect(parseThreadState(written)).toEqual(written);
  });

  it('offers no tools if the caller disables them, and fails if the model still calls one', async () => {
    const model = new ScriptedChatModel([call('get_weather', { location: 'Paris' }), finish()]);
    const agent = createModelAgent({ name: 'ToolAgent', model, tools: [weather] });

    const { response } = await runAgentOnce(agent, { request: runRequest({ enableToolCalls: false }) });

    expect(model.requests[0]?.tools).toEqual([]);
    expect(response.messages?.[0]?.contents?.[0]).toMatchObject({ errorCode: 'unexpected_finish_reason' });
  });
});

describe('several calls of one answer', () => {
  it('run concurrently, and their results keep the order of the calls', async () => {
    const slow = createGate();
    const { callback, model } = await runWith(
      {
        tools: [
          tool('slow', async () => {
            await slow.opened;
            return 'slow is done';
          }),
          tool('fast', () => {
            slow.open();
            return 'fast is done';
          }),
        ],
      },
      [call('slow', {}, 'a'), call('fast', {}, 'b'), finish()],
      [text('Done.'), finish()],
    );

    expect(callback.updates.map(({ kind }) => kind)).toEqual([
      'tool_call',
      'tool_call',
      'tool_result',
      'tool_result',
      'text',
    ]);
    expect(resultsOf(callback.updates).map(({ result }) => result)).toEqual(['slow is done', 'fast is done']);
    expect(
      model.requests[1]?.messages.at(-1)?.contents.map((content) => ('callId' in content ? content.callId : '')),
    ).toEqual(['a', 'b']);
  });

  it('get unique ids and idempotency keys if the endpoint sends none or duplicates', async () => {
    const contexts: ToolContext[] = [];
    const note = tool('note', (_args, context) => void contexts.push(context));

    await runWith(
      { tools: [note] },
      [call('note', {}, ''), call('note', {}, 'x'), call('note', {}, 'x'), finish()],
      [call('note', {}, 'x'), finish()],
      [text('Done.'), finish()],
    );

    expect(contexts.map(({ callId }) => callId)).toEqual(['call_1_1', 'x', 'call_1_3', 'x']);
    expect(new Set(contexts.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(4);
    expect(contexts[0]).toMatchObject({
      agentName: 'ToolAgent',
      threadId: 'thread-1',
      correlationId: runRequest().correlationId,
    });
  });
});

describe('the rounds of a run', () => {
  const calling: ScriptedAnswer = [call('get_weather', { location: 'Paris' }), finish()];

  it('are limited to 10 by default: then the model must answer', async () => {
    const answered = await runWith({ tools: [weather] }, ...Array.from({ length: 10 }, () => calling), [
      text('Done.'),
      finish(),
    ]);
    expect(answered.content).toEqual({ $type: 'text', text: 'Done.' });

    const failed = await runWith({ tools: [weather] }, ...Array.from({ length: 11 }, () => calling));
    expect(failed.content).toMatchObject({
      errorCode: 'too_many_tool_rounds',
      message: 'The model kept calling tools: the limit of 10 rounds is reached.',
    });
    expect(resultsOf(failed.callback.updates)).toHaveLength(10);
  });

  it('can have a lower limit', async () => {
    const { content } = await runWith({ tools: [weather], maxToolRounds: 1 }, calling, calling);
    expect(content).toMatchObject({ errorCode: 'too_many_tool_rounds' });
  });

  it('retry a model call that fails before its text, but never a tool', async () => {
    const execute = vi.fn<() => string>(() => 'once');
    const cut = new AgentError('connection_lost', 'The connection was lost.', { recovery: 'retry' });

    const { content, model } = await runWith(
      { tools: [tool('give', execute)] },
      [call('give'), cut],
      [call('give'), finish()],
      [cut],
      [text('Done.'), finish()],
    );

    expect(content).toEqual({ $type: 'text', text: 'Done.' });
    expect(model.requests).toHaveLength(4);
    expect(execute).toHaveBeenCalledOnce();
  });
});

describe('tool definitions', () => {
  it('reject a name that models do not accept', () => {
    expect(() => tool('get weather', () => 1)).toThrow('Invalid tool name "get weather"');
  });

  it('reject two tools with the same name', () => {
    const model = new ScriptedChatModel();
    expect(() => createModelAgent({ name: 'ToolAgent', model, tools: [weather, weather] })).toThrow(
      'Two tools of agent "ToolAgent" have the same name.',
    );
  });
});

describe('an agent with a model', () => {
  const info = { name: 'gpt-4o', provider: 'azure.ai.openai', serverAddress: 'localhost', serverPort: 443 };

  it('has the type ChatAgent, no tools, and no model or format unless they are known', () => {
    const agent = createModelAgent({ name: 'Plain', model: new ScriptedChatModel() });

    expect(agent).toEqual({ name: 'Plain', type: 'ChatAgent', tools: [], run: expect.any(Function) });
  });

  it('shows its model, its tools and the format of its answers', () => {
    const agent = createModelAgent({
      name: 'Full',
      type: 'Other',
      model: Object.assign(new ScriptedChatModel(), { info }),
      tools: [weather],
      responseSchema: z.object({ city: z.string() }),
    });

    expect(agent).toMatchObject({ name: 'Full', type: 'Other', model: info, tools: [weather] });
    expect(agent.answerFormat?.schema).toMatchObject({ properties: { city: { type: 'string' } } });
    expect(agent.answerFormat?.parse('{"city":"Paris"}')).toEqual({ city: 'Paris' });
  });

  it('loads no steps if it offers no tools', async () => {
    const store = new MemoryKeyValueStore();
    const read = vi.spyOn(store, 'readRange');
    const run = { agentName: 'ToolAgent', threadId: 'thread-1', correlationId: runRequest().correlationId };
    const steps = new RunSteps({ store, run, isAnswered: () => false, log: createRecordingLog() });
    const agent = createModelAgent({
      name: 'ToolAgent',
      model: new ScriptedChatModel('Hi', 'Hi'),
      tools: [weather],
    });

    await runAgentOnce(agent, { steps, request: runRequest({ enableToolCalls: false }) });
    expect(read).not.toHaveBeenCalled();
    await runAgentOnce(agent, { steps });
    expect(read).toHaveBeenCalledOnce();
  });

  it('reports no further counts of tokens if the model reports none', async () => {
    const plain = { usage: { inputTokenCount: 1, outputTokenCount: 2, totalTokenCount: 3 } };
    const { response } = await runWith(
      { tools: [weather] },
      [call('get_weather', { location: 'Paris' }), finish(plain)],
      [text('Sunny.'), finish(plain)],
    );

    expect(response.usage).toEqual({ inputTokenCount: 2, outputTokenCount: 4, totalTokenCount: 6 });
  });

  it('reports the usage of the rounds that have one', async () => {
    const { response } = await runWith(
      { tools: [weather] },
      [call('get_weather', { location: 'Paris' }), finish()],
      [text('Sunny.'), finish(usage(20, 7))],
    );

    expect(response.usage).toMatchObject({ inputTokenCount: 20, totalTokenCount: 27 });
  });

  it('does not send empty texts to the model again', async () => {
    const { model } = await runWith(
      { tools: [weather] },
      [text(''), call('get_weather', { location: 'Paris' }), finish()],
      [text('Sunny.'), finish()],
    );

    expect(model.requests[1]?.messages.at(-2)?.contents.map(({ $type }) => $type)).toEqual(['functionCall']);
  });

  it('numbers the idempotency keys of the calls of a round', async () => {
    const keys: string[] = [];
    const note = tool('note', (_args, { idempotencyKey }) => void keys.push(idempotencyKey));

    await runWith({ tools: [note] }, [call('note', {}, 'a'), call('note', {}, 'b'), finish()], [text('Ok.'), finish()]);

    const { correlationId } = runRequest();
    expect(keys).toEqual([`${correlationId}-1-1`, `${correlationId}-1-2`]);
  });
});
