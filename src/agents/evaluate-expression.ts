import type { MathNode } from 'mathjs/number';
import { ToolError } from '../durable-agents/index.js';

const MAX_EXPRESSION_CHARS = 500;
const CONSTANTS = new Set(['pi', 'e', 'tau']);
const FUNCTIONS = new Set(
  (
    'abs ceil floor round sign min max mod gcd lcm sqrt cbrt exp log log2 log10 pow hypot ' +
    'sin cos tan asin acos atan atan2'
  ).split(' '),
);

/**
 * Evaluates an arithmetic expression such as `2 * (3 + 4)^2` or `sqrt(2)`.
 *
 * Evaluates only numbers, operators and well-known functions. The library's language also has assignments, functions
 * and ranges, with which the model's text could exhaust the process.
 *
 * @throws ToolError for anything else, and for a result that is not a finite number
 */
export async function evaluateExpression(expression: string): Promise<number> {
  if (expression.length > MAX_EXPRESSION_CHARS) {
    throw new ToolError(`The expression is too long: expected at most ${MAX_EXPRESSION_CHARS} characters.`);
  }
  // Loaded on first use, because loading takes 0.1 to 1 s.
  const { parse } = await import('mathjs/number');
  const parsed = parsedBy(parse, expression);
  assertArithmetic(parsed);
  const value: unknown = parsed.evaluate();
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new ToolError('The expression has no finite number as its value.');
}

function parsedBy(parse: (expression: string) => MathNode, expression: string): MathNode {
  try {
    return parse(expression);
  } catch (error) {
    throw new ToolError(`This is not an arithmetic expression: ${error instanceof Error ? error.message : 'unknown'}`, {
      cause: error,
    });
  }
}

function assertArithmetic(expression: MathNode): void {
  expression.traverse((node, _path, parent) => {
    if (isAllowed(node, parent)) return;
    throw new ToolError(
      `Not allowed here: ${node.toString().slice(0, 60)}. Expected numbers, operators, ${[...CONSTANTS].join(', ')} ` +
        `and these functions: ${[...FUNCTIONS].join(', ')}.`,
    );
  });
}

function isAllowed(node: MathNode, parent: MathNode | null): boolean {
  switch (node.type) {
    case 'ConstantNode':
      return 'value' in node && typeof node.value === 'number';
    case 'ParenthesisNode':
      return true;
    case 'OperatorNode':
      return 'op' in node && ['+', '-', '*', '/', '^', '%', '!'].includes(String(node.op));
    case 'FunctionNode':
      return 'fn' in node && FUNCTIONS.has(String(node.fn));
    case 'SymbolNode':
      // The name of a function is a symbol node below its call.
      return CONSTANTS.has(node.toString()) || (parent?.type === 'FunctionNode' && FUNCTIONS.has(node.toString()));
    default:
      return false;
  }
}
