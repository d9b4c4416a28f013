import { type Context, context, type Span, trace } from '@opentelemetry/api';
import type { ToolCallTrace, TracedToolCall } from '../durable-agents/index.js';
import { names } from './attributes.js';
import { failSpan } from './fail-span.js';
import { redactedJson } from './message-content.js';
import type { RunMetrics } from './run-metrics.js';

export interface ToolCallSpanOptions {
  readonly span: Span;
  /** The context of the run's span. */
  readonly context: Context;
  readonly call: TracedToolCall;
  readonly metrics: RunMetrics;
  readonly agentName: string;
  /** `undefined` if spans contain no content. */
  readonly redact: ((text: string) => string) | undefined;
}

/** The span `execute_tool` of a tool call. */
export class ToolCallSpan implements ToolCallTrace {
  readonly #options: ToolCallSpanOptions;
  readonly #startedMs = performance.now();
  #hasEnded = false;

  constructor(options: ToolCallSpanOptions) {
    this.#options = options;
  }

  run<Result>(call: () => Result): Result {
    return context.with(trace.setSpan(this.#options.context, this.#options.span), call);
  }

  answered(result: unknown): void {
    if (this.#hasEnded) return;
    const { span, redact } = this.#options;
    if (redact !== undefined) span.setAttribute(names.toolResult, redactedJson(result, redact));
    this.#end();
  }

  failed(code: string, message: string): void {
    if (this.#hasEnded) return;
    const { span, redact } = this.#options;
    // A tool's message may quote its arguments, which are content.
    failSpan(span, { code, message: redact?.(message) ?? 'The tool call failed.' });
    this.#end(code);
  }

  #end(errorCode?: string): void {
    this.#hasEnded = true;
    const { span, call, metrics, agentName } = this.#options;
    metrics.toolSeconds.record((performance.now() - this.#startedMs) / 1000, {
      [names.toolName]: call.name,
      [names.toolType]: 'function',
      [names.agent]: agentName,
      ...(errorCode !== undefined && { [names.errorType]: errorCode }),
    });
    span.end();
  }
}
