import type { AgentUsage } from './agent.js';

/** What a model costs, per million tokens. */
export interface ModelPrice {
  /** ISO 4217, as `USD`. */
  readonly currency: string;
  readonly input: number;
  /** @default input */
  readonly cachedInput?: number | undefined;
  readonly output: number;
  /** @default output */
  readonly reasoning?: number | undefined;
}

/** What one or several runs have cost. */
export interface RunCost {
  readonly amount: number;
  readonly currency: string;
}

/** Prices of models by the name under which agents ask them: that of the deployment. */
export type ModelPrices = Readonly<Record<string, ModelPrice>>;

/** Cached tokens are part of the input, and reasoning is part of the output. */
export function costOf({ inputTokenCount, outputTokenCount, extra }: AgentUsage, price: ModelPrice): RunCost {
  const { currency, input, output, cachedInput = input, reasoning = output } = price;
  const cachedCount = Math.min(inputTokenCount, extra?.['cached_input_token_count'] ?? 0);
  const reasoningCount = Math.min(outputTokenCount, extra?.['reasoning_output_token_count'] ?? 0);
  const millionths =
    (inputTokenCount - cachedCount) * input +
    cachedCount * cachedInput +
    (outputTokenCount - reasoningCount) * output +
    reasoningCount * reasoning;
  return { amount: withoutBinaryRounding(millionths / 1e6), currency };
}

/**
 * Adds a cost to a sum. A sum in another currency starts again: the currency of the prices was changed.
 *
 * @param sum undefined: nothing yet
 */
export function addCost(sum: RunCost | undefined, { amount, currency }: RunCost): RunCost {
  const before = sum?.currency === currency ? sum.amount : 0;
  return { amount: withoutBinaryRounding(before + amount), currency };
}

function withoutBinaryRounding(amount: number): number {
  return Number(amount.toPrecision(12));
}
