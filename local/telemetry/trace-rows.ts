import type { ReceivedSpan } from './otlp-spans.js';

/** A span within its trace. */
export interface TraceRow {
  readonly span: ReceivedSpan;
  /**
   * For each level below the root, whether the ancestor at that level has later siblings. The last item is for the span
   * itself.
   */
  readonly branches: readonly boolean[];
  /** Milliseconds from the start of the trace. */
  readonly startMs: number;
  readonly durationMs: number;
  /** Summary of its attributes. */
  readonly details: string;
}

/**
 * Returns the spans of a trace as a tree: parents before children, siblings sorted by start. A span whose parent is
 * missing is a root.
 */
export function toTraceRows(spans: readonly ReceivedSpan[]): TraceRow[] {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  const traceStartMs = Math.min(...spans.map(({ startMs }) => startMs));
  const childrenOf = (parent: string | undefined): readonly ReceivedSpan[] =>
    spans
      .filter(({ parentSpanId }) => (ids.has(parentSpanId) ? parentSpanId : undefined) === parent)
      .toSorted((one, other) => one.startMs - other.startMs);
  const walk = (span: ReceivedSpan, branches: readonly boolean[]): TraceRow[] => {
    const children = childrenOf(span.spanId);
    const row = {
      span,
      branches,
      startMs: span.startMs - traceStartMs,
      durationMs: span.endMs - span.startMs,
      details: detailsOf(span),
    };
    return [row, ...children.flatMap((child, index) => walk(child, [...branches, index < children.length - 1]))];
  };
  return childrenOf(undefined).flatMap((root) => walk(root, []));
}

function detailsOf({ attributes, statusCode }: ReceivedSpan): string {
  const input = attributes['gen_ai.usage.input_tokens'];
  const output = attributes['gen_ai.usage.output_tokens'];
  const finishReasons = attributes['gen_ai.response.finish_reasons'];
  const attempt = attributes['durable_agent.attempt'];
  const isRun = attributes['gen_ai.operation.name'] === 'invoke_agent';
  const details = [
    ...(statusCode === 2 ? [`failed: ${String(attributes['error.type'] ?? 'unknown')}`] : []),
    ...(input === undefined ? [] : [`${String(input)} → ${String(output)} tokens`]),
    ...(Array.isArray(finishReasons) && statusCode !== 2 ? [finishReasons.join(', ')] : []),
    ...(isRun && Number(attempt) > 1 ? [`attempt ${String(attempt)}`] : []),
  ];
  return details.join(' · ');
}
