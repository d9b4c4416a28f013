import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { ModelPrices } from '../durable-agents/index.js';

const amount = z.number().min(0);
const prices = z.record(
  z.string().min(1),
  z.strictObject({
    currency: z.string().regex(/^[A-Z]{3}$/),
    input: amount,
    cachedInput: amount.optional(),
    output: amount,
    reasoning: amount.optional(),
  }),
);
const expected =
  'expected JSON, or the path of a JSON file, with prices per million tokens by deployment, ' +
  'as {"gpt-4o":{"currency":"USD","input":2.5,"cachedInput":1.25,"output":10}}';

/** The environment variable with the prices of models. */
export const priceEnvironment = {
  AGENT_PRICES: z.string().transform(parsePrices).optional(),
};

function parsePrices(value: string, context: z.core.$RefinementCtx): ModelPrices {
  try {
    return prices.parse(JSON.parse(value.startsWith('{') ? value : readFileSync(value, 'utf8')));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    context.addIssue({ code: 'custom', message: expected });
    return z.NEVER;
  }
}
