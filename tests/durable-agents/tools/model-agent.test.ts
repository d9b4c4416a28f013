import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { AgentResponseUpdate } from '../../../src/durable-agents/agent.js';
import { AgentError } from '../../../src/durable-agents/errors.js';
import { parseThreadState } from '../../../src/durable-agents/thread/thread-state.js';
import type { ModelToolCall } from '../../../src/durable-agents/tools/chat-model.js';
import { createModelAgent, type ModelAgentOptions } from '../../../src/durable-agents/tools/model-agent.js';
import { defineTool, type Tool, type ToolContext, ToolError } from '../../../src/durable-agents/tools/tool.js';
import { type ScriptedAnswer, ScriptedChatModel } from '../../../src/durable-agents/testing/scripted-chat-model.js';
import { finish, reasoning, text } from '../../support/agent-parts.js';
import { createGate } from '../../support/gate.js';
import { RecordingCallback } from '../../../src/durable-agents/testing/recording-callback.js';
import { runRequest } from '../../support/run-request.js';
import { runAgentOnce } from '../../support/run-agent-once.js';
import { threadState } from '../../support/thread-entries.js';

const call = (toolName: string, args: object | string = {}, callId = 'call-1'): ModelToolCall => ({
  kind: 'tool_call',
  callId,
  toolName,
  arguments: typeof args === 'string' ? args : JSON.stringify(args),
});

/** A tool that returns what `execute` returns, whatever its arguments. */
const tool = (name: string, execute: (args: unknown, context: ToolContext) => unknown, timeoutMs?: number): Tool =>
  defineTool({
    name,
    description: `Does ${name}.`,
    parameters: z.looseObject({}),
    execute,
    ...(timeoutMs !== undefined && { timeoutMs }),
  });

const weather = defineTool({
  name: 'get_weather',
  description: 'Gives the weather of a place.',
  parameters: z.object({ location: z.string().describe('A city'), days: z.int().default(1) }),
  execute: ({ location, days }) => ({ location, days, sky: 'sunny' }),
});

async function runWith(options: Omit<ModelAgentOptions, 'name' | 'model'>, ...answers: readonly ScriptedAnswer[]) {
  const model = new ScriptedChatModel(...answers);
  const callback = new RecordingCallback();
  const agent = createModelAgent({ name: 'ToolAgent', model, ...options });
  const run = await runAgentOnce(agent, { callback });
  const content = run.response.messages?.at(-1)?.contents?.[0];
  return { ...run, model, callback, content };
}

const resultsOf = (updates: readonly AgentResponseUpdate[]) =>
  updates.flatMap((update) => (update.kind === 'tool_result' ? [update] : []));

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

const resultOf = async (tools: readonly Tool[], made: ModelToolCall) => {
  const { callback, content, log } = await runWith({ tools }, [made, finish()], [text('Oh.'), finish()]);
  expect(content).toEqual({ $type: 'text', text: 'Oh.' });
  const [result] = resultsOf(callback.updates);
  return { ...result, log: log.lines.join('\n') };
};

describe('a failing call becomes a result for the model:', () => {
  it.each<{ what: string; made: ModelToolCall; result: RegExp }>([
    {
      what: 'arguments that do not match the schema',
      made: call('get_weather', { location: 7 }),
      result: /^Error: The arguments do not fit the schema of get_weather. location: .*expected string/,
    },
    {
      what: 'arguments that are not JSON',
      made: call('get_weather', '{"location":'),
      result: /^Error: The arguments are not the JSON of an object.$/,
    },
    {
      what: 'arguments that are not an object',
      made: call('get_weather', '["Paris"]'),
      result: /^Error: The arguments are not the JSON of an object.$/,
    },
    {
      what: 'an unknown tool',
      made: call('get_time'),
      result: /^Error: There is no tool named get_time. Known: get_weather.$/,
    },
  ])('$what', async ({ made, result }) => {
    expect(await resultOf([weather], made)).toMatchObject({
      isError: true,
      result: expect.stringMatching(result),
    });
  });

  it('an error of the tool, whose text is only logged', async () => {
    const failing = tool('fail', () => {
      throw new Error('connect ECONNREFUSED db.internal');
    });

    const { result, isError, log } = await resultOf([failing], call('fail'));

    expect({ result, isError }).toEqual({ result: 'Error: fail failed unexpectedly.', isError: true });
    expect(log).toContain('tool fail failed in call call-1: Error: connect ECONNREFUSED db.internal (thread thread-1)');
  });

  it('a ToolError, with its message', async () => {
    const failing = tool('fail', async () => {
      throw new ToolError('There is no order A-7.');
    });

    expect(await resultOf([failing], call('fail'))).toMatchObject({ result: 'Error: There is no order A-7.' });
  });

  it('a result that refers to itself', async () => {
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;

    expect(await resultOf([tool('loop', () => circular)], call('loop'))).toMatchObject({
      result: 'Error: The tool returned a result that cannot be written as JSON.',
      isError: true,
    });
  });

  it('arguments that are not a JSON object, which the history omits', async () => {
    const { response, callback } = await runWith(
      { tools: [weather] },
      [call('get_weather', '{"loc'), finish()],
      [text('Oh.'), finish()],
    );

    expect(response.messages?.[0]?.contents).toEqual([
      { $type: 'functionCall', callId: 'call-1', name: 'get_weather' },
    ]);
    expect(callback.updates[0]).toMatchObject({ kind: 'tool_call', arguments: '{"loc' });
  });
});

describe('the result of a tool', () => {
  it.each<[string, unknown, unknown]>([
    ['nothing', undefined, null],
    ['a date', { at: new Date(0) }, { at: '1970-01-01T00:00:00.000Z' }],
    [
      'values that JSON lacks',
      { big: 7n, rate: NaN, run: () => 1 },
      { big: '[not JSON: bigint]', rate: '[not JSON: NaN]', run: '[not JSON: function]' },
    ],
    ['collections', [new Map([[1, 2]]), new Set([1])], ['[not JSON: Map]', '[not JSON: Set]']],
  ])('is plain JSON: %s', async (_what, returned, result) => {
    const { callback } = await runWith({ tools: [tool('give', () => returned)] }, [call('give'), finish()], [finish()]);

    expect(resultsOf(callback.updates)[0]?.result).toEqual(result);
  });

  it.each(['x', '"\u{1F31E}'])(
    'of 1 MiB is cut to 64 KiB of JSON and says so, for model and state (%j)',
    async (unit) => {
      const large = unit.repeat(1_048_576 / unit.length);
      const { callback, model, response } = await runWith(
        { tools: [tool('give', () => ({ large }))] },
        [call('give'), finish()],
        [text('Long.'), finish()],
      );

      const [update] = resultsOf(callback.updates);
      const json = JSON.stringify(update?.result);
      expect(Buffer.byteLength(json)).toBeLessThanOrEqual(65_536);
      expect(Buffer.byteLength(json)).toBeGreaterThan(65_500);
      expect(json).toMatch(/… \[cut: \d+ bytes, the limit is 65536\]"$/);
      const result = { $type: 'functionResult', callId: 'call-1', result: update?.result };
      expect(model.requests[1]?.messages.at(-1)?.contents).toEqual([result]);
      expect(response.messages?.[1]?.contents).toEqual([result]);
    },
  );
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

describe('the time limit of a tool', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('is 30 s: the tool is aborted, and the model continues without it', async () => {
    let signal: AbortSignal | undefined;
    const hanging = tool('hang', (_args, context) => {
      signal = context.signal;
      return new Promise(() => {});
    });

    const running = runWith({ tools: [hanging] }, [call('hang'), finish()], [text('Too slow.'), finish()]);
    await vi.advanceTimersByTimeAsync(29_999);
    expect(signal?.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(10);

    const { callback, content } = await running;
    expect(signal?.aborted).toBe(true);
    expect(resultsOf(callback.updates)[0]).toMatchObject({
      result: 'Error: hang did not answer within 30 s.',
      isError: true,
    });
    expect(content).toEqual({ $type: 'text', text: 'Too slow.' });
  });

  it('cannot exceed that of the run', async () => {
    const hanging = tool('hang', () => new Promise(() => {}), 120_000);

    const running = runWith({ tools: [hanging] }, [call('hang'), finish()]);
    await vi.advanceTimersByTimeAsync(60_000);

    expect((await running).content).toMatchObject({ errorCode: 'run_timeout' });
  });

  it('leaves no unhandled rejection', async () => {
    const late = tool(
      'late',
      async () => {
        await delay(5);
        throw new Error('too late');
      },
      1,
    );
    vi.useRealTimers();

    const { content } = await runWith(
      { tools: [late] },
      [call('late'), finish()],
      [async () => delay(20), text('Ok.'), finish()],
    );

    expect(content).toEqual({ $type: 'text', text: 'Ok.' });
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
