import { describe, expect, it } from 'vitest';
import type { ModelToolCall } from '../../../src/durable-agents/tools/chat-model.js';
import { type Tool, ToolError } from '../../../src/durable-agents/tools/tool.js';
import { finish, text } from '../../support/agent-parts.js';
import { call, tool, weather, runWith, resultsOf } from './run-tools.js';

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
      what: 'arguments that are nested too deeply',
      made: call('get_weather', `{"location":${'['.repeat(200_000)}${']'.repeat(200_000)}}`),
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
