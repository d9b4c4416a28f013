import { describe, expect, it } from 'vitest';
import { evaluateExpression } from '../../src/agents/evaluate-expression.js';
import { ToolError } from '../../src/durable-agents/index.js';

describe('an expression written by the model', () => {
  it.each([
    ['2 + 3 * 4', 14],
    ['2 * (3 + 4)^2', 98],
    ['-7 % 3', 2],
    ['5!', 120],
    ['sqrt(16) + max(1, 2)', 6],
    ['round(2 * pi, 2)', 6.28],
    ['1e3 / 8', 125],
  ])('evaluates: %s = %d', async (expression, value) => {
    expect(await evaluateExpression(expression)).toBeCloseTo(value, 10);
  });

  it('is rejected with an explanation if it is too long', async () => {
    await expect(evaluateExpression('1+'.repeat(300))).rejects.toThrow(/^The expression is too long/);
  });

  it.each([
    ['2 +', /^This is not an arithmetic expression/],
    ['a = 1', /^Not allowed here: a = 1/],
    ['f(x) = x', /^Not allowed here/],
    ['1:1000000000', /^Not allowed here/],
    ['[1, 2]', /^Not allowed here/],
    ['"text"', /^Not allowed here/],
    ['process.exit(1)', /^Not allowed here/],
    ['cos.constructor("return 1")', /^Not allowed here/],
    ['import({})', /^Not allowed here/],
    ['evaluate("1")', /^Not allowed here/],
    ['x + 1', /^Not allowed here: x\./],
    ['1 / 0', /^The expression has no finite number/],
    ['sqrt', /^Not allowed here: sqrt/],
    ['', /^Not allowed here/],
  ])('is rejected with an explanation: "%s"', async (expression, message) => {
    const evaluating = evaluateExpression(expression);

    await expect(evaluating).rejects.toThrow(message);
    await expect(evaluating).rejects.toBeInstanceOf(ToolError);
  });
});
