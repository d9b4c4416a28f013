import { createHash, randomBytes } from 'node:crypto';
import { isValidTraceId } from '@opentelemetry/api';
import type { IdGenerator } from '@opentelemetry/sdk-trace-base';

/** Ids of a span that is about to start. */
interface ChosenIds {
  readonly traceId: string;
  readonly spanId: string | undefined;
}

/**
 * Generates ids of spans. The id of a run's first span is derived from the run's correlation id, so a later attempt in
 * any process can link to it. A run without a trace of the caller uses its correlation id as the trace id.
 */
export class RunSpanIds implements IdGenerator {
  #chosen: ChosenIds | undefined;

  readonly generateTraceId = (): string => this.#chosen?.traceId ?? randomBytes(16).toString('hex');

  readonly generateSpanId = (): string => this.#chosen?.spanId ?? randomBytes(8).toString('hex');

  /** Starts the span of a run's attempt. @param start starts one span */
  startRun<Span>(correlationId: string, attempt: number, start: () => Span): Span {
    this.#chosen = {
      traceId: this.rootTraceId(correlationId),
      spanId: attempt === 1 ? this.firstSpanId(correlationId) : undefined,
    };
    try {
      return start();
    } finally {
      this.#chosen = undefined;
    }
  }

  /** The trace id of a run whose caller has no trace. */
  rootTraceId(correlationId: string): string {
    return isValidTraceId(correlationId) ? correlationId : digest(correlationId, 32);
  }

  firstSpanId(correlationId: string): string {
    return digest(correlationId, 16);
  }
}

function digest(correlationId: string, digits: number): string {
  return createHash('sha256').update(`${correlationId}/1`).digest('hex').slice(0, digits);
}
