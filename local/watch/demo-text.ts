import type { Paint } from '../paint.js';
import type { Printer } from '../printer.js';

/** A printer for what the demo starts: only errors are news. */
export function createDemoPrinter(printer: Printer): Printer {
  return {
    ...printer,
    progress: () => {},
    banner: () => {},
    functionLog: (entry) => {
      if (entry.level === 'error' || entry.level === 'critical') printer.functionLog(entry);
    },
  };
}

const nextSteps = [
  ['npm start', 'starts the app and keeps it running; then'],
  ['  /api/dashboard', 'there, in a browser: threads, live text, charts'],
  ['  npm run watch:thread -- ID', 'follows the thread ID in a terminal, as here'],
  ['README.md', 'endpoints, settings, a callback of your own'],
] as const;

/** What a newcomer may try when the demo is over. */
export function describeNextSteps(paint: Paint): string {
  const width = Math.max(...nextSteps.map(([what]) => what.length));
  return [
    paint('bold', 'What to try next'),
    ...nextSteps.map(([what, why]) => `  ${paint('cyan', what.padEnd(width))}  ${why}`),
  ].join('\n');
}
