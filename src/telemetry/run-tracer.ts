import {
  type Attributes,
  type Context,
  isSpanContextValid,
  type Link,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  trace,
  TraceFlags,
} from '@opentelemetry/api';
import type { RunTrace, RunTracer, TracedRun } from '../durable-agents/index.js';
import { names } from './attributes.js';
import { RunMetrics } from './run-metrics.js';
import type { RunSpanIds } from './run-span-ids.js';
import { RunSpan } from './run-span.js';

export interface RunTracerOptions {
  /** Whether spans contain messages, tool arguments and results. @default false */
  readonly capturesContent?: boolean;
  /** The id generator of the registered SDK, for links between attempts. `undefined`: no links. */
  readonly ids?: RunSpanIds;
}

/** Records spans and metrics of runs with the registered OpenTelemetry SDK. Without one it costs almost nothing. */
export function createRunTracer({ capturesContent = false, ids }: RunTracerOptions = {}): RunTracer {
  let metrics: RunMetrics | undefined;
  return {
    startRun(run: TracedRun): RunTrace {
      metrics ??= new RunMetrics();
      const caller = parseTraceParent(run.traceParent);
      const parent = caller === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, caller);
      return startRunSpan(run, parent, { capturesContent, ids, metrics, traceId: caller?.traceId });
    },
  };
}

interface StartOptions {
  readonly capturesContent: boolean;
  readonly ids: RunSpanIds | undefined;
  readonly metrics: RunMetrics;
  /** The trace of the caller. `undefined` if there is none. */
  readonly traceId: string | undefined;
}

function startRunSpan(run: TracedRun, parent: Context, options: StartOptions): RunTrace {
  const { capturesContent, ids, metrics, traceId } = options;
  const { agent, threadId, correlationId, attempt } = run;
  const tracer = trace.getTracer('durable-agents');
  const queueSeconds = Math.max(0, (Date.now() - Date.parse(run.requestedAt)) / 1000);
  const attributes: Attributes = {
    [names.operation]: 'invoke_agent',
    [names.agent]: agent.name,
    [names.conversation]: threadId,
    [names.mainAgent]: agent.name,
    [names.mainConversation]: threadId,
    [names.correlationId]: correlationId,
    [names.attempt]: attempt,
    [names.queueSeconds]: queueSeconds,
    ...(agent.model && { [names.provider]: agent.model.provider, [names.requestModel]: agent.model.name }),
  };
  const links = attempt > 1 && ids !== undefined ? [firstAttempt(ids, correlationId, traceId)] : [];
  const start = () =>
    tracer.startSpan(`invoke_agent ${agent.name}`, { kind: SpanKind.INTERNAL, attributes, links }, parent);
  const span = ids === undefined ? start() : ids.startRun(correlationId, attempt, start);
  metrics.queueSeconds.record(queueSeconds, { [names.agent]: agent.name });
  return new RunSpan({ run, span, context: trace.setSpan(parent, span), tracer, metrics, capturesContent });
}

function firstAttempt(ids: RunSpanIds, correlationId: string, traceId: string | undefined): Link {
  const context = {
    traceId: traceId ?? ids.rootTraceId(correlationId),
    spanId: ids.firstSpanId(correlationId),
    traceFlags: TraceFlags.SAMPLED,
  };
  return { context, attributes: { [names.attempt]: 1 } };
}

/** Validates the value, because other clients may signal the entity, too. */
function parseTraceParent(traceParent: string | undefined): SpanContext | undefined {
  const [, traceId = '', spanId = '', flags = ''] = traceParent?.split('-') ?? [];
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return isSpanContextValid(context) ? context : undefined;
}
