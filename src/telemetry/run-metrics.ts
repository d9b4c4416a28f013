import { type Attributes, type Histogram, type Meter, metrics } from '@opentelemetry/api';
import type { AgentUsage } from '../durable-agents/index.js';
import { names } from './attributes.js';

/** Bucket boundaries of the conventions. */
const SECONDS = powers(0.01, 2, 14);
const AGENT_SECONDS = powers(0.1, 2, 13);
const TOKENS = powers(1, 4, 14);
const CALLS = powers(1, 2, 8);

const TOKEN_KINDS = {
  input: 'input_tokens',
  output: 'output_tokens',
  cachedInput: 'cache_read.input_tokens',
  reasoning: 'reasoning.output_tokens',
} as const;

/** The metrics of runs, model calls and tool calls. */
export class RunMetrics {
  readonly #meter: Meter;
  readonly runSeconds: Histogram;
  readonly queueSeconds: Histogram;
  readonly modelCalls: Histogram;
  readonly toolCalls: Histogram;
  readonly modelSeconds: Histogram;
  readonly firstChunkSeconds: Histogram;
  readonly chunkSeconds: Histogram;
  readonly toolSeconds: Histogram;
  readonly #tokenCounts;
  readonly #inputTokens: Histogram;
  readonly #outputTokens: Histogram;
  readonly #cost;

  /** Create it after the SDK is registered: unlike a tracer, a meter does not pick up a later SDK. */
  constructor(meter: Meter = metrics.getMeter('durable-agents')) {
    this.#meter = meter;
    this.runSeconds = this.#histogram('gen_ai.invoke_agent.duration', 's', AGENT_SECONDS);
    this.queueSeconds = this.#histogram('durable_agent.queue.duration', 's', AGENT_SECONDS);
    this.modelCalls = this.#histogram('gen_ai.invoke_agent.inference_calls', '{inference_call}', CALLS);
    this.toolCalls = this.#histogram('gen_ai.invoke_agent.tool_calls', '{tool_call}', CALLS);
    this.modelSeconds = this.#histogram('gen_ai.client.inference.duration', 's', SECONDS);
    this.firstChunkSeconds = this.#histogram('gen_ai.client.inference.time_to_first_chunk', 's', SECONDS);
    this.chunkSeconds = this.#histogram('gen_ai.client.inference.time_per_output_chunk', 's', SECONDS);
    this.toolSeconds = this.#histogram('gen_ai.execute_tool.duration', 's', SECONDS);
    this.#inputTokens = this.#histogram('gen_ai.client.inference.operation.input_tokens', '{token}', TOKENS);
    this.#outputTokens = this.#histogram('gen_ai.client.inference.operation.output_tokens', '{token}', TOKENS);
    const counter = (name: string) => meter.createCounter(`gen_ai.client.inference.usage.${name}`, { unit: '{token}' });
    this.#tokenCounts = {
      input: counter(TOKEN_KINDS.input),
      output: counter(TOKEN_KINDS.output),
      cachedInput: counter(TOKEN_KINDS.cachedInput),
      reasoning: counter(TOKEN_KINDS.reasoning),
    };
    this.#cost = meter.createCounter('durable_agent.cost', { unit: '{currency}' });
  }

  /** @param attributes - those of the model call */
  addUsage(usage: AgentUsage | undefined, attributes: Attributes): void {
    const counts = this.#tokenCounts;
    if (usage === undefined) {
      const unknown = { ...attributes, [names.tokenModality]: 'unknown' };
      counts.input.add(0, unknown);
      counts.output.add(0, unknown);
      return;
    }
    const { inputTokenCount, outputTokenCount, extra } = usage;
    const text = { ...attributes, [names.tokenModality]: 'text' };
    counts.input.add(inputTokenCount, text);
    counts.output.add(outputTokenCount, text);
    counts.cachedInput.add(extra?.['cached_input_token_count'] ?? 0, text);
    counts.reasoning.add(extra?.['reasoning_output_token_count'] ?? 0, text);
    this.#inputTokens.record(inputTokenCount, attributes);
    this.#outputTokens.record(outputTokenCount, attributes);
  }

  addCost(amount: number, currency: string, attributes: Attributes): void {
    this.#cost.add(amount, { ...attributes, [names.costCurrency]: currency });
  }

  #histogram(name: string, unit: string, boundaries: number[]): Histogram {
    return this.#meter.createHistogram(name, { unit, advice: { explicitBucketBoundaries: boundaries } });
  }
}

function powers(first: number, factor: number, count: number): number[] {
  // 15 digits hide the rounding of binary fractions.
  return Array.from({ length: count }, (_, index) => Number((first * factor ** index).toPrecision(15)));
}
