import type { Writable } from 'node:stream';
import type { HostLog } from './functions-host/index.js';

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

export type Color = keyof typeof codes;

/** Colours text, or returns it unchanged if the output has no colours. */
export type Paint = (color: Color, text: string) => string;

/** @param isColored - whether to add colour codes */
export function createPaint(isColored: boolean): Paint {
  return (color, text) => (isColored ? `\u001B[${codes[color]}m${text}\u001B[0m` : text);
}

/** Prints output for the user who started the app. */
export interface Printer {
  /** Prints a line. */
  line(text: string): void;
  /** Prints text without a line break. */
  text(piece: string): void;
  /** Colours text if the output supports it. */
  readonly paint: Paint;
  /** Prints a short label and a sentence about something that is started or used. */
  progress(label: string, text: string): void;
  /** Prints lines that must stand out. */
  banner(lines: readonly string[]): void;
  /** Prints an error to the error stream. */
  error(text: string): void;
  /** Prints the log of the host and the functions. */
  readonly functionLog: HostLog;
  /** Writes buffered lines. Lines are written together, once per turn of the event loop. */
  flush(): void;
}

/** @param isColored - whether to print colour codes. @default true on a terminal unless `NO_COLOR` is set */
export function createPrinter(
  output: Writable = process.stdout,
  errorOutput: NodeJS.WritableStream = process.stderr,
  isColored: boolean = process.stdout.isTTY && !process.env['NO_COLOR'],
): Printer {
  const paint = createPaint(isColored);
  // Writing to a pipe or terminal blocks the process, which also runs the app. One write for each of 200 updates would
  // cost more than everything else that the app adds to the model's latency.
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
