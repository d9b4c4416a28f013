import { inspect } from 'node:util';

const MAX_CAUSES = 3;

/** Returns the message of an error and of its causes, for the log. No stacks. Accepts any thrown value. */
export function errorText(error: unknown, maxCauses = MAX_CAUSES): string {
  if (!(error instanceof Error)) return inspect(error, { depth: 1, breakLength: Infinity });
  const inner = (cause: unknown): string => errorText(cause, maxCauses - 1);
  if (maxCauses === 0) return `${error.name}: ${error.message}`;
  // An AggregateError of refused connections has no message of its own.
  const message =
    error instanceof AggregateError ? [error.message, ...error.errors.map(inner)].join(', ') : error.message;
  return `${error.name}: ${message}${error.cause === undefined ? '' : ` (because of ${inner(error.cause)})`}`;
}
