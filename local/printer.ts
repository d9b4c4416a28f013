import type { Writable } from 'node:stream';
import type { HostLog } from './functions-host/index.js';
import { createPaint, type Paint } from './paint.js';

/** Prints for the person who started the app. */
export interface Printer {
  /** A line as it is. */
  line(text: string): void;
  /** Text as it is, without a line break behind it. */
  text(piece: string): void;
  /** Gives text that is printed a colour, where colours are shown. */
  readonly paint: Paint;
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

/** @param isColored - whether colour codes are printed; by default only on a terminal, and not when `NO_COLOR` is set. */
export function createPrinter(
  output: Writable = process.stdout,
  errorOutput: NodeJS.WritableStream = process.stderr,
  isColored: boolean = process.stdout.isTTY && !process.env['NO_COLOR'],
): Printer {
  const paint = createPaint(isColored);
  // A write to a pipe or a terminal holds up the whole process, which also runs the app: 200 lines, one for each update
  // of an answer, would cost more than all else that the app adds to the model's time.
  const flush = (): void => {
    while (output.writableCorked > 0) output.uncork();
  };
  const print = (piece: string): void => {
    if (output.writableCorked === 0) {
      output.cork();
      setImmediate(flush);
    }
    output.write(piece);
  };
  const line = (text: string): void => print(`${text}\n`);
  return {
    line,
    text: print,
    paint,
    flush,
    progress: (label, text) => line(`${paint('dim', label.padEnd(9))} ${text}`),
    banner(lines) {
      const rule = '-'.repeat(Math.max(...lines.map((text) => text.length)));
      line(paint('yellow', ['', rule, ...lines, rule].join('\n')));
    },
    error: (text) => void errorOutput.write(`${paint('red', text)}\n`),
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
