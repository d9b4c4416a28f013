import { z } from 'zod';
import { HttpError } from './http-error.js';

/** Schema of a query parameter that is a whole number of at most six digits. */
export function wholeNumber(min: number, max: number) {
  const expected = `a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,6}$/, expected)
    .transform(Number)
    .refine((value) => value >= min && value <= max, expected)
    .meta({ type: 'integer', minimum: min, maximum: max });
}

/** Schema of a query parameter with a fixed set of values. */
export function oneOf<const Values extends readonly [string, ...string[]]>(...values: Values) {
  return z.enum(values, values.join(' or '));
}

/** Schema of a query parameter that is a time: ISO 8601 with an offset. */
export function timeOf() {
  return z.iso
    .datetime({ offset: true, error: 'a time, such as 2026-01-31T12:00:00Z' })
    .transform((text) => new Date(text));
}

/** Schema of a query parameter that is `true` or `false`. */
export function flag() {
  return oneOf('true', 'false').transform((value) => value === 'true');
}

/**
 * Parses query parameters. Treats empty ones as absent and ignores unknown ones.
 *
 * @throws HttpError 400 naming the first invalid parameter and what was expected
 */
export function parseQuery<Schema extends z.ZodType>(schema: Schema, query: URLSearchParams): z.infer<Schema> {
  const given = Object.fromEntries([...query].filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new HttpError(400, `Invalid ${String(issue?.path[0])}: expected ${issue?.message}`);
}
