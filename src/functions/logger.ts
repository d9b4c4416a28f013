import type { InvocationContext } from '@azure/functions';

/** Writes log lines, one per call. */
export interface Logger {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** The logging part of an invocation context. */
type InvocationSink = Pick<InvocationContext, 'log' | 'warn' | 'error'>;

/**
 * The log of one invocation. Writes to the invocation, so that Application Insights shows the lines with its id. After
 * {@link end} it writes to the console, because the host warns about lines from an invocation that has ended.
 */
export class InvocationLog implements Logger {
  #sink: InvocationSink;

  constructor(context: InvocationSink) {
    this.#sink = context;
  }

  info(message: string): void {
    this.#sink.log(message);
  }

  warn(message: string): void {
    this.#sink.warn(message);
  }

  error(message: string): void {
    this.#sink.error(message);
  }

  end(): void {
    this.#sink = console;
  }
}
