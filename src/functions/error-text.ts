import { inspect } from 'node:util';

const MAX_CAUSES = 3;

/** What went wrong and why, for the log, without stacks. Anything can be thrown, also what has no text of its own. */
export function errorText(error: unknown, maxCauses = MAX_CAUSES): string {
  if (!(error instanceof Error)) return inspect(error, { depth: 1, breakLength: Infinity });
  const inner = (cause: unknown): string => errorText(cause, maxCauses - 1);
  if (maxCauses === 0) return `${error.name}: ${error.message}`;
  // A connection that was refused at every address of a host has no message of its own.
  const message =
    error instanceof AggregateError ? [error.message, ...error.errors.map(inner)].join(', ') : error.message;
  return `${error.name}: ${message}${error.cause === undefined ? '' : ` (because of ${inner(error.cause)})`}`;
}
