import type { InvocationContext } from '@azure/functions';

/** Takes log lines; one finished line per call. */
export interface Logger {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** The part of an invocation context that takes log lines. */
type InvocationSink = Pick<InvocationContext, 'log' | 'warn' | 'error'>;

/**
 * The log of one invocation. Lines go to the invocation, so that Application Insights shows them with its id. After
 * {@link end} they go to the console: the host warns about lines of an invocation that has ended.
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
