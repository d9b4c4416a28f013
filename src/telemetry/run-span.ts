import { type Attributes, type Context, type Span, SpanKind, type Tracer } from '@opentelemetry/api';
import type {
  AgentError,
  AgentResponse,
  ModelCallTrace,
  RunTrace,
  ToolCallTrace,
  TracedModelCall,
  TracedRun,
  TracedToolCall,
} from '../durable-agents/index.js';
import { names, usageAttributes } from './attributes.js';
import { failSpan } from './fail-span.js';
import { redactedJson, toMessagesJson } from './message-content.js';
import { ModelCallSpan } from './model-call-span.js';
import type { RunMetrics } from './run-metrics.js';
import { ToolCallSpan } from './tool-call-span.js';

export interface RunSpanOptions {
  readonly run: TracedRun;
  readonly span: Span;
  /** The context in which the span is active, for spans of its calls. */
  readonly context: Context;
  readonly tracer: Tracer;
  readonly metrics: RunMetrics;
  readonly capturesContent: boolean;
}

/** The span `invoke_agent` of one attempt of a run. Calls are direct children, because Azure looks no deeper. */
export class RunSpan implements RunTrace {
  readonly #options: RunSpanOptions;
  readonly #startedMs = performance.now();
  #modelCallCount = 0;
  #toolCallCount = 0;

  constructor(options: RunSpanOptions) {
    this.#options = options;
  }

  startModelCall(call: TracedModelCall): ModelCallTrace {
    const { run, tracer, context, metrics, capturesContent } = this.#options;
    const { model, parameters } = call;
    this.#modelCallCount += 1;
    const attributes: Attributes = {
      [names.operation]: 'chat',
      [names.provider]: model.provider,
      [names.requestModel]: model.name,
      [names.serverAddress]: model.serverAddress,
      [names.serverPort]: model.serverPort,
      [names.outputType]: call.outputType,
      ...(call.streaming && { [names.requestStream]: true }),
      ...(parameters.temperature !== undefined && { [names.temperature]: parameters.temperature }),
      ...(parameters.maxOutputTokens !== undefined && { [names.maxTokens]: parameters.maxOutputTokens }),
      ...(parameters.reasoningEffort !== undefined && { [names.reasoningLevel]: parameters.reasoningEffort }),
      ...this.#runAttributes(),
      ...(capturesContent && {
        [names.systemInstructions]: redactedJson([{ type: 'text', content: call.instructions }], run.redact),
        [names.inputMessages]: toMessagesJson(call.messages, run.redact),
      }),
    };
    const span = tracer.startSpan(`chat ${model.name}`, { kind: SpanKind.CLIENT, attributes }, context);
    const redact = capturesContent ? run.redact : undefined;
    return new ModelCallSpan({ span, call, metrics, agentName: run.agent.name, redact });
  }

  startToolCall(call: TracedToolCall): ToolCallTrace {
    const { run, tracer, context, metrics, capturesContent } = this.#options;
    this.#toolCallCount += 1;
    const attributes: Attributes = {
      [names.operation]: 'execute_tool',
      [names.toolName]: call.name,
      [names.toolType]: 'function',
      [names.toolCallId]: call.callId,
      [names.toolDescription]: call.description,
      ...this.#runAttributes(),
      ...(capturesContent && { [names.toolArguments]: redactedJson(call.arguments, run.redact) }),
    };
    const span = tracer.startSpan(`execute_tool ${call.name}`, { kind: SpanKind.INTERNAL, attributes }, context);
    const redact = capturesContent ? run.redact : undefined;
    return new ToolCallSpan({ span, context, call, metrics, agentName: run.agent.name, redact });
  }

  answered({ usage, finishReason, messages, cost }: AgentResponse): void {
    const { span, run, metrics, capturesContent } = this.#options;
    if (cost !== undefined) metrics.addCost(cost.amount, cost.currency, { [names.agent]: run.agent.name });
    span.setAttributes({
      [names.finishReasons]: [finishReason],
      ...usageAttributes(usage),
      ...(cost && { [names.cost]: cost.amount, [names.costCurrency]: cost.currency }),
      // Its strings are already redacted, as in everything that callbacks get.
      ...(capturesContent && { [names.outputMessages]: toMessagesJson(messages, (text) => text, finishReason) }),
    });
    this.#end({ [names.agent]: run.agent.name });
  }

  failed(error: AgentError): void {
    const { span, run } = this.#options;
    failSpan(span, error);
    this.#end({ [names.agent]: run.agent.name, [names.errorType]: error.code });
  }

  suspended(): void {
    const { span, run } = this.#options;
    span.setAttribute(names.suspended, true);
    this.#end({ [names.agent]: run.agent.name });
  }

  #end(attributes: Attributes): void {
    const { span, run, metrics } = this.#options;
    const all = { ...attributes, ...(run.agent.model && { [names.requestModel]: run.agent.model.name }) };
    metrics.runSeconds.record((performance.now() - this.#startedMs) / 1000, all);
    metrics.modelCalls.record(this.#modelCallCount, all);
    metrics.toolCalls.record(this.#toolCallCount, all);
    span.end();
  }

  /** The attributes of each span of a run. */
  #runAttributes(): Attributes {
    const { agent, threadId, correlationId, attempt } = this.#options.run;
    return {
      [names.agent]: agent.name,
      [names.conversation]: threadId,
      [names.mainAgent]: agent.name,
      [names.mainConversation]: threadId,
      [names.correlationId]: correlationId,
      [names.attempt]: attempt,
    };
  }
}
