import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RunTrace, TracedToolCall } from '../../../src/durable-agents/run-tracer.js';
import { callTool, type ToolCall, toFunctionCall, toToolCalls } from '../../../src/durable-agents/tools/call-tool.js';
import { type Tool, ToolError } from '../../../src/durable-agents/tools/tool.js';
import { createRecordingLog } from '../../support/recording-log.js';
import { call, tool, weather } from './run-tools.js';

const made: ToolCall = { callId: 'call-1', toolName: 'give', arguments: {} };

/** Makes a call with a trace. */
async function make(
  target: Tool | undefined,
  {
    signal = new AbortController().signal,
    knownNames = ['give'],
    ...fields
  }: Partial<ToolCall> & {
    readonly signal?: AbortSignal;
    readonly knownNames?: readonly string[];
  } = {},
) {
  const log = createRecordingLog();
  const started: TracedToolCall[] = [];
  const spans: unknown[] = [];
  const trace = {
    startToolCall: (traced: TracedToolCall) => {
      started.push(traced);
      return {
        run: (work: () => unknown) => {
          spans.push('run');
          return work();
        },
        answered: (result: unknown) => spans.push(['answered', result]),
        failed: (code: string, message: string) => spans.push(['failed', code, message]),
      };
    },
  } as unknown as RunTrace;
  const context = {
    agentName: 'Agent',
    threadId: 'thread-1',
    correlationId: 'run-1',
    callId: 'call-1',
    idempotencyKey: 'key-1',
    signal,
    log,
  };
  let error: unknown;
  const outcome = await callTool(target, { ...made, ...fields }, context, { knownNames, trace }).catch(
    (thrown: unknown) => {
      error = thrown;
      return undefined;
    },
  );
  return { outcome, error, started, spans, lines: log.lines };
}

describe('a call of a tool', () => {
  it('is traced with its result', async () => {
    const { outcome, started, spans } = await make(
      tool('give', () => ({ at: new Date(0) })),
      { arguments: { a: 1 } },
    );

    const result = { at: '1970-01-01T00:00:00.000Z' };
    expect(outcome).toEqual({ result, isError: false, durationMs: expect.any(Number) });
    expect(started).toEqual([{ name: 'give', callId: 'call-1', description: 'Does give.', arguments: { a: 1 } }]);
    expect(spans).toEqual(['run', ['answered', result]]);
  });

  it('passes its context to the tool', async () => {
    const { outcome } = await make(
      tool('give', (args, { agentName, threadId, correlationId, callId, idempotencyKey }) => [
        args,
        agentName,
        threadId,
        correlationId,
        callId,
        idempotencyKey,
      ]),
      { arguments: { a: 1 } },
    );

    expect(outcome?.result).toEqual([{ a: 1 }, 'Agent', 'thread-1', 'run-1', 'call-1', 'key-1']);
  });

  it.each<[string, Tool | undefined, Parameters<typeof make>[1], string, string]>([
    ['an unknown tool', undefined, {}, 'unknown_tool', 'There is no tool named give. Known: give.'],
    [
      'a tool if there is none',
      undefined,
      { knownNames: [] },
      'unknown_tool',
      'There is no tool named give. Known: none.',
    ],
    [
      'an unknown tool among several',
      undefined,
      { knownNames: ['a', 'b'] },
      'unknown_tool',
      'There is no tool named give. Known: a, b.',
    ],
    [
      'arguments that are no object',
      weather,
      { arguments: '[]' },
      'invalid_arguments',
      'The arguments are not the JSON of an object.',
    ],
    [
      'a tool that refuses',
      tool('give', () => {
        throw new ToolError('There is no order A-7.', { code: 'no_order' });
      }),
      {},
      'no_order',
      'There is no order A-7.',
    ],
    [
      'a result that is no JSON',
      tool('give', () => ({
        toJSON: () => {
          throw new Error('secret');
        },
      })),
      {},
      'invalid_result',
      'The tool returned a result that cannot be written as JSON.',
    ],
  ])('fails with a result for the model: %s', async (_what, target, options, code, message) => {
    const { outcome, spans, lines } = await make(target, options);

    expect(outcome).toEqual({ result: `Error: ${message}`, isError: true, durationMs: expect.any(Number) });
    expect(spans.at(-1)).toEqual(['failed', code, message]);
    expect(lines).toEqual([]);
  });

  it('describes an unknown tool as nothing in its trace', async () => {
    expect((await make(undefined)).started).toMatchObject([{ description: '' }]);
  });

  it('keeps an unexpected error to the log', async () => {
    const failing = tool('give', () => {
      throw new Error('connect ECONNREFUSED db.internal');
    });

    const { outcome, spans, lines } = await make(failing, { callId: 'x'.repeat(70) });

    expect(outcome).toMatchObject({ result: 'Error: give failed unexpectedly.', isError: true });
    expect(spans.at(-1)).toEqual(['failed', 'tool_error', 'give failed unexpectedly.']);
    expect(lines).toEqual([
      `warn [Agent][run-1] tool give failed in call ${'x'.repeat(60)}…: Error: connect ECONNREFUSED db.internal (thread thread-1)`,
    ]);
  });

  it('fails with the reason of its run if that ends first', async () => {
    const reason = new Error('The run was cancelled.');
    const controller = new AbortController();
    let seen: AbortSignal | undefined;
    const hanging = tool('give', (_args, { signal }) => {
      seen = signal;
      queueMicrotask(() => controller.abort(reason));
      return new Promise(() => {});
    });

    const { error, spans, lines } = await make(hanging, { signal: controller.signal });

    expect(error).toBe(reason);
    expect(seen?.aborted).toBe(true);
    expect(spans.at(-1)).toEqual(['failed', 'run_aborted', 'The run is over.']);
    expect(lines).toEqual([]);
  });
});

describe('the time of a tool', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('is measured', async () => {
    const slow = tool('give', () => new Promise((resolve) => void setTimeout(resolve, 1500)));
    const calling = make(slow);
    await vi.advanceTimersByTimeAsync(1500);

    const { outcome } = await calling;

    expect(outcome?.durationMs).toBe(1500);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is limited: then the call fails', async () => {
    const calling = make(tool('give', () => new Promise(() => {}), 1500));
    await vi.advanceTimersByTimeAsync(1500);

    const { outcome, spans } = await calling;

    expect(outcome).toEqual({ result: 'Error: give did not answer within 1.5 s.', isError: true, durationMs: 1500 });
    expect(spans.at(-1)).toEqual(['failed', 'tool_timeout', 'give did not answer within 1.5 s.']);
  });
});

const nested = (levels: number): string => `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;

describe('the calls of an answer', () => {
  it('get ids that are unique in their round', () => {
    const calls = toToolCalls([call('a', {}, ''), call('b', {}, 'x'), call('c', {}, 'x'), call('d', {}, 'y')], 2);

    expect(calls.map(({ callId, toolName }) => [callId, toolName])).toEqual([
      ['call_2_1', 'a'],
      ['x', 'b'],
      ['call_2_3', 'c'],
      ['y', 'd'],
    ]);
  });

  it.each<[string, unknown]>([
    ['', {}],
    [' \n', {}],
    ['{"a":1}', { a: 1 }],
    ['{"a":', '{"a":'],
    ['null', 'null'],
    ['[1]', '[1]'],
    ['"a"', '"a"'],
    [nested(100), JSON.parse(nested(100))],
    [nested(101), nested(101)],
  ])('have the arguments %j as an object if they are one', (text, args) => {
    expect(toToolCalls([call('a', text)], 1)[0]?.arguments).toEqual(args);
  });

  it('are stored without arguments that are no object', () => {
    expect(toFunctionCall({ ...made, arguments: { a: 1 } })).toEqual({
      $type: 'functionCall',
      callId: 'call-1',
      name: 'give',
      arguments: { a: 1 },
    });
    expect(toFunctionCall({ ...made, arguments: '{"a":' })).toEqual({
      $type: 'functionCall',
      callId: 'call-1',
      name: 'give',
    });
  });
});
