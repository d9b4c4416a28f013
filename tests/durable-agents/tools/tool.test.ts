import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  defineTool,
  describeIssues,
  invalidArguments,
  ToolError,
  type ToolContext,
  type ToolOptions,
} from '../../../src/durable-agents/tools/tool.js';

const parameters = z.object({ amount: z.number(), note: z.string().default('none') });

const pay = (options: Partial<ToolOptions<typeof parameters>> = {}) =>
  defineTool({ name: 'pay', description: 'Pays.', parameters, execute: (args) => args, ...options });

describe('a tool', () => {
  it('has defaults', () => {
    expect(pay()).toMatchObject({ name: 'pay', description: 'Pays.', timeoutMs: 30_000, effect: 'repeatable' });
    expect(pay({ timeoutMs: 5, effect: 'once' })).toMatchObject({ timeoutMs: 5, effect: 'once' });
  });

  it('has the schema of what the model sends, without a reference to its dialect', () => {
    expect(pay().parameters).toEqual({
      type: 'object',
      properties: { amount: { type: 'number' }, note: { type: 'string', default: 'none' } },
      required: ['amount'],
    });
  });

  it.each(['a', 'A-z_9', 'x'.repeat(64)])('may be named %s', (name) => {
    expect(pay({ name }).name).toBe(name);
  });

  it.each(['', 'x'.repeat(65), 'a b', ' a', 'a ', 'ä', 'a.b'])('may not be named %j', (name) => {
    expect(() => pay({ name })).toThrow(
      new TypeError(`Invalid tool name "${name}": expected 1 to 64 letters, digits, "_" or "-".`),
    );
  });
});

describe('a prepared call', () => {
  const context = { callId: 'call-1' } as ToolContext;

  it('executes the tool with parsed arguments and the context', async () => {
    const tool = pay({ execute: (args, { callId }) => ({ ...args, callId }) });

    expect((await tool.prepare({ amount: 5 })).execute(context)).toEqual({ amount: 5, note: 'none', callId: 'call-1' });
  });

  it.each<[ToolOptions<typeof parameters>['needsApproval'], boolean]>([
    [undefined, false],
    [false, false],
    [true, true],
    [({ amount }) => amount > 10, true],
    [({ amount }) => amount > 100, false],
    [async ({ note }) => note === 'none', true],
  ])('needs approval as the tool says: %s', async (needsApproval, needed) => {
    const tool = needsApproval === undefined ? pay() : pay({ needsApproval });

    expect(await (await tool.prepare({ amount: 20 })).needsApproval()).toBe(needed);
  });

  it('rejects if the tool cannot say whether it needs approval', async () => {
    const prepared = await pay({ needsApproval: () => Promise.reject(new Error('down')) }).prepare({ amount: 20 });

    await expect(prepared.needsApproval()).rejects.toThrow('down');
  });

  it('is refused with the reasons if its arguments do not fit', async () => {
    await expect(pay().prepare({ amount: 'all', note: 7 })).rejects.toMatchObject({
      name: 'ToolError',
      code: 'invalid_arguments',
      message: expect.stringMatching(
        /^The arguments do not fit the schema of pay\. amount: .*expected number.*; note: .*expected string/,
      ),
    });
  });
});

describe('an error of a tool', () => {
  it('has a code and a cause', () => {
    const cause = new Error('down');

    expect(new ToolError('No.', { cause })).toMatchObject({ name: 'ToolError', code: 'tool_error', cause });
    expect(new ToolError('No.', { code: 'busy' }).code).toBe('busy');
    expect(invalidArguments('are bad.')).toMatchObject({
      message: 'The arguments are bad.',
      code: 'invalid_arguments',
    });
  });

  it('describes at most five problems, each with its place', () => {
    const { error } = z.object({ list: z.array(z.number()) }).safeParse({ list: [1, 'a', 'b', 'c', 'd', 'e', 'f'] });

    const described = describeIssues(error!).split('; ');

    expect(described).toHaveLength(5);
    expect(described[0]).toMatch(/^list\.1: .*expected number/);
    expect(describeIssues(z.string().safeParse(5).error!)).toMatch(/^value: .*expected string/);
  });
});
