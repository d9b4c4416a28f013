import { z } from 'zod';
import { HttpError } from './http-error.js';

/** A query parameter that is a whole number of at most six digits. */
export function wholeNumber(min: number, max: number) {
  const expected = `a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,6}$/, expected)
    .transform(Number)
    .refine((value) => value >= min && value <= max, expected);
}

/** A query parameter that is one of some words. */
export function oneOf<const Values extends readonly [string, ...string[]]>(...values: Values) {
  return z.enum(values, values.join(' or '));
}

/** A query parameter that is `true` or `false`. */
export function flag() {
  return oneOf('true', 'false').transform((value) => value === 'true');
}

/**
 * Reads query parameters. An empty one counts as absent, and unknown ones are ignored.
 *
 * @throws HttpError 400 that names the first bad parameter and what was expected
 */
export function parseQuery<Schema extends z.ZodType>(schema: Schema, query: URLSearchParams): z.infer<Schema> {
  const given = Object.fromEntries([...query].filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new HttpError(400, `Invalid ${String(issue?.path[0])}: expected ${issue?.message}`);
}
