import { z } from 'zod';
import { type Agent, defineTool } from '../durable-agents/index.js';
import { type ChatCompletionAgentOptions, createChatCompletionAgent } from '../openai/chat-completion-agent.js';
import { evaluateExpression } from './evaluate-expression.js';

const INSTRUCTIONS = 'You solve sums. Use calculate for every sum, and say what you calculated.';

const calculate = defineTool({
  name: 'calculate',
  description: 'Evaluates an arithmetic expression, for example "2 * (3 + 4)^2" or "sqrt(2)".',
  parameters: z.object({ expression: z.string().describe('Numbers, + - * / ^ % !, parentheses, functions, pi and e') }),
  execute: async ({ expression }) => ({ expression, value: await evaluateExpression(expression) }),
});

/** Creates an agent that calculates with a tool. */
export function createMathAgent(model: Omit<ChatCompletionAgentOptions, 'name' | 'instructions'>): Agent {
  return createChatCompletionAgent({ ...model, name: 'MathAgent', instructions: INSTRUCTIONS, tools: [calculate] });
}
