import type { Writable } from 'node:stream';
import type { HostLog } from './functions-host/index.js';

/** Prints for the person who started the app. */
export interface Printer {
  /** A line as it is. */
  line(text: string): void;
  /** What is being started or used: a short label and a sentence. */
  progress(label: string, text: string): void;
  /** Lines that must not be overlooked. */
  banner(lines: readonly string[]): void;
  /** Why things cannot go on; to the error stream. */
  error(text: string): void;
  /** What the host and the functions log. */
  readonly functionLog: HostLog;
  /** Writes what is still held back: lines are written together once per turn of the event loop. */
  flush(): void;
}

const colors = { yellow: 33, red: 31, dim: 2 } as const;

/** @param isColored - whether colour codes are printed; by default only on a terminal, and not when `NO_COLOR` is set. */
export function createPrinter(
  output: Writable = process.stdout,
  errorOutput: NodeJS.WritableStream = process.stderr,
  isColored: boolean = process.stdout.isTTY && !process.env['NO_COLOR'],
): Printer {
  const paint = (color: keyof typeof colors, text: string): string =>
    isColored ? `\u001B[${colors[color]}m${text}\u001B[0m` : text;
  // A write to a pipe or a terminal holds up the whole process, which also runs the app: 200 lines, one for each update
  // of an answer, would cost more than all else that the app adds to the model's time.
  const flush = (): void => {
    while (output.writableCorked > 0) output.uncork();
  };
  const line = (text: string): void => {
    if (output.writableCorked === 0) {
      output.cork();
      setImmediate(flush);
    }
    output.write(`${text}\n`);
  };
  return {
    line,
    flush,
    progress: (label, text) => line(`${paint('dim', label.padEnd(9))} ${text}`),
    banner(lines) {
      const rule = '-'.repeat(Math.max(...lines.map((text) => text.length)));
      line(paint('yellow', ['', rule, ...lines, rule].join('\n')));
    },
    error: (text) => void errorOutput.write(`${isColored ? paint('red', text) : text}\n`),
    functionLog: (entry) => {
      const time = paint('dim', new Date().toISOString().slice(11, 23));
      const source = entry.functionName === undefined ? '' : `${entry.functionName}: `;
      const text = `${source}${entry.message}`;
      if (entry.level === 'warning') line(`${time} ${paint('yellow', `warning  ${text}`)}`);
      else if (entry.level === 'error' || entry.level === 'critical')
        line(`${time} ${paint('red', `${entry.level}  ${text}`)}`);
      else line(`${time} ${text}`);
    },
  };
}
