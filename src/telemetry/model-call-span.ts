import type { Attributes, Span } from '@opentelemetry/api';
import type {
  AgentError,
  AgentTextUpdate,
  ModelCallTrace,
  TracedAnswer,
  TracedModelCall,
} from '../durable-agents/index.js';
import { names, usageAttributes } from './attributes.js';
import type { RunMetrics } from './run-metrics.js';
import { failSpan } from './fail-span.js';
import { toAnswerJson } from './message-content.js';

export interface ModelCallSpanOptions {
  readonly span: Span;
  readonly call: TracedModelCall;
  readonly metrics: RunMetrics;
  readonly agentName: string;
  /** Redacts the answer. `undefined`: the span does not contain the answer. */
  readonly redact: ((text: string) => string) | undefined;
}

/** The span `chat` of a model call. */
export class ModelCallSpan implements ModelCallTrace {
  readonly #options: ModelCallSpanOptions;
  readonly #attributes: Attributes;
  readonly #startedMs = performance.now();
  #lastChunkMs: number | undefined;
  readonly #pieces: AgentTextUpdate[] = [];
  #hasEnded = false;

  constructor(options: ModelCallSpanOptions) {
    this.#options = options;
    const { model } = options.call;
    this.#attributes = {
      [names.operation]: 'chat',
      [names.provider]: model.provider,
      [names.requestModel]: model.name,
      [names.serverAddress]: model.serverAddress,
      [names.serverPort]: model.serverPort,
      [names.agent]: options.agentName,
    };
  }

  chunk(piece: AgentTextUpdate): void {
    const { call, span, metrics, redact } = this.#options;
    if (redact !== undefined) this.#pieces.push(piece);
    if (!call.streaming) return;
    const nowMs = performance.now();
    if (this.#lastChunkMs === undefined) {
      const seconds = (nowMs - this.#startedMs) / 1000;
      span.setAttribute(names.timeToFirstChunk, seconds);
      metrics.firstChunkSeconds.record(seconds, this.#attributes);
    } else {
      metrics.chunkSeconds.record((nowMs - this.#lastChunkMs) / 1000, this.#attributes);
    }
    this.#lastChunkMs = nowMs;
  }

  answered(answer: TracedAnswer): void {
    if (this.#hasEnded) return;
    const { id, model, finishReason, usage } = answer;
    const { span, metrics, redact } = this.#options;
    const attributes = { ...this.#attributes, ...(model !== undefined && { [names.responseModel]: model }) };
    span.setAttributes({
      [names.finishReasons]: [finishReason],
      ...(id !== undefined && { [names.responseId]: id }),
      ...(model !== undefined && { [names.responseModel]: model }),
      ...usageAttributes(usage),
      ...(redact && { [names.outputMessages]: toAnswerJson(this.#pieces, answer, redact) }),
    });
    metrics.addUsage(usage, attributes);
    this.#end(attributes);
  }

  failed(error: AgentError): void {
    if (this.#hasEnded) return;
    const { span, metrics } = this.#options;
    // The answer ended without a finish reason.
    span.setAttribute(names.finishReasons, ['error']);
    failSpan(span, { code: error.code, message: 'The model call failed.' });
    metrics.addUsage(undefined, this.#attributes);
    this.#end({ ...this.#attributes, [names.errorType]: error.code });
  }

  #end(attributes: Attributes): void {
    this.#hasEnded = true;
    this.#options.metrics.modelSeconds.record((performance.now() - this.#startedMs) / 1000, attributes);
    this.#options.span.end();
  }
}
