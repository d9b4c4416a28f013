import type { InvocationContext } from '@azure/functions';

/** Writes log lines, one per call. */
export interface Logger {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** The logging part of an invocation context, or the console. */
type InvocationSink = Pick<InvocationContext, 'log' | 'warn' | 'error'>;

/**
 * Characters that make a line look like another one: control characters except tab and line feed, line separators and
 * bidirectional marks. A thread id may contain them.
 */
const DECEPTIVE = /[^\P{Cc}\t\n]|[\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/gu;

/** Makes deceptive characters visible, such as `\u202e`. */
function visible(message: string): string {
  return message.replace(DECEPTIVE, escapeOf);
}

function escapeOf(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

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
    this.#sink.log(visible(message));
  }

  warn(message: string): void {
    this.#sink.warn(visible(message));
  }

  error(message: string): void {
    this.#sink.error(visible(message));
  }

  end(): void {
    this.#sink = console;
  }
}

/** The log of the process, for lines that belong to no invocation. */
export const processLog: Logger = new InvocationLog(console);
