import type { Paint } from '../printer.js';
import type { Printer } from '../printer.js';

/** Creates a printer for what the demo starts. It prints only errors. */
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
  ['  /api/dashboard', 'open it in a browser: threads, live text, charts'],
  ['  npm run watch:thread -- ID', 'follows the thread ID in a terminal'],
  ['README.md', 'endpoints, settings, and how to write a callback'],
] as const;

/** Returns what to try after the demo. */
export function describeNextSteps(paint: Paint): string {
  const width = Math.max(...nextSteps.map(([what]) => what.length));
  return [
    paint('bold', 'What to try next'),
    ...nextSteps.map(([what, why]) => `  ${paint('cyan', what.padEnd(width))}  ${why}`),
  ].join('\n');
}
