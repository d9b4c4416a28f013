import type { AgentUsage } from './agent.js';

/** Price of a model per million tokens. */
export interface ModelPrice {
  /** ISO 4217 code, such as `USD`. */
  readonly currency: string;
  readonly input: number;
  /** @default input */
  readonly cachedInput?: number | undefined;
  readonly output: number;
  /** @default output */
  readonly reasoning?: number | undefined;
}

/** Cost of one or several runs. */
export interface RunCost {
  readonly amount: number;
  readonly currency: string;
}

/** Prices by deployment name. */
export type ModelPrices = Readonly<Record<string, ModelPrice>>;

/** Returns the cost of a run. Cached tokens are part of the input, and reasoning is part of the output. */
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
 * Adds a cost to a sum. If the currencies differ because the prices were changed, the sum starts over.
 *
 * @param sum - undefined for an empty sum
 */
export function addCost(sum: RunCost | undefined, { amount, currency }: RunCost): RunCost {
  const before = sum?.currency === currency ? sum.amount : 0;
  return { amount: withoutBinaryRounding(before + amount), currency };
}

function withoutBinaryRounding(amount: number): number {
  return Number(amount.toPrecision(12));
}
