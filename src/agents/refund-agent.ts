import { z } from 'zod';
import { type Agent, defineTool, type Tool } from '../durable-agents/index.js';
import { type ChatCompletionAgentOptions, createChatCompletionAgent } from '../openai/chat-completion-agent.js';
import { DemoLedger } from './demo-ledger.js';

const INSTRUCTIONS = [
  'You handle refunds of orders. Use lookup_order before you refund anything.',
  'Use issue_refund for each refund: a person approves it, may change the amount, or rejects it.',
  'Say what was refunded, or why nothing was.',
].join(' ');

/** Creates an agent that refunds orders of a demo ledger. A person must approve each refund. */
export function createRefundAgent(
  model: Omit<ChatCompletionAgentOptions, 'name' | 'instructions'>,
  ledger = new DemoLedger(),
): Agent {
  return createChatCompletionAgent({
    ...model,
    name: 'RefundAgent',
    instructions: INSTRUCTIONS,
    tools: createRefundTools(ledger),
  });
}

function createRefundTools(ledger: DemoLedger): readonly Tool[] {
  return [
    defineTool({
      name: 'lookup_order',
      description: 'Returns the item, the total and the refunded amount of an order.',
      parameters: z.object({ order_id: z.string().describe('For example A-1001') }),
      execute: ({ order_id: orderId }) => ledger.lookup(orderId),
    }),
    defineTool({
      name: 'issue_refund',
      description: 'Refunds an order, in part or in full. A person approves each call.',
      parameters: z.object({
        order_id: z.string().describe('For example A-1001'),
        amount: z.number().positive().describe("In the order's currency, for example 19.90"),
        reason: z.string().optional(),
      }),
      needsApproval: true,
      effect: 'once',
      execute: ({ order_id: orderId, amount }, { idempotencyKey }) => ledger.refund(orderId, amount, idempotencyKey),
    }),
  ];
}
