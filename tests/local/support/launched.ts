import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { onTestFinished } from 'vitest';

const builtFolder = path.resolve(__dirname, '../../../dist/bundled');

/** A running `npm start` or other command, as its user sees it. */
export interface Launched {
  readonly pid: number;
  /** The output so far, of both streams. */
  output(): string;
  /** Resolves with the output once it contains the text. Rejects if the program exits without printing it. */
  printed(text: string | RegExp): Promise<string>;
  signal(signal: NodeJS.Signals): void;
  /** The exit code, or the signal that ended the program. */
  readonly ended: Promise<number | string | null>;
}

/**
 * Starts the built launcher, or another built command, with only the given environment (no `func` on PATH). Kills it at
 * the end of the test if it still runs.
 */
export function launchApp(
  commandLine: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  command = 'start',
): Launched {
  const child = spawn(process.execPath, [path.join(builtFolder, `${command}.js`), ...commandLine], {
    env: { PATH: '', ...environment },
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('The launcher did not start');
  let output = '';
  const looks = new Set<() => void>();
  const look = (): void => looks.forEach((again) => again());
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      look();
    });
  }
  let hasEnded = false;
  const ended = once(child, 'close').then(([code, signal]: (number | string | null)[]) => {
    hasEnded = true;
    look();
    return signal ?? code ?? null;
  });
  onTestFinished(async () => {
    if (!hasEnded) child.kill('SIGTERM');
    await ended;
  });
  return {
    pid,
    output: () => output,
    printed: (text) =>
      new Promise((resolve, reject) => {
        const again = (): void => {
          const found = typeof text === 'string' ? output.includes(text) : text.test(output);
          if (found) resolve(output);
          else if (hasEnded) reject(new Error(`Ended without printing ${String(text)}:\n${output}`));
          else return;
          looks.delete(again);
        };
        looks.add(again);
        again();
      }),
    signal: (signal) => void child.kill(signal),
    ended,
  };
}
