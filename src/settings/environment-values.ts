import { z } from 'zod';
import { isLoopbackHost } from '../functions/loopback-host.js';

/** Environment variables by name, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Schema of a variable without which the app cannot start. */
export function required(expected: string) {
  return z.string({ error: `is missing; expected ${expected}` });
}

/** Schema of a variable that is a whole number. */
export function integer(min: number, max: number) {
  const expected = `expected a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,15}$/, expected)
    .transform(Number)
    .refine((value) => value >= min && value <= max, expected);
}

/** Schema of a variable that is a number, optionally with decimals. */
export function decimal(min: number, max: number) {
  const expected = `expected a number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,15}(\.\d{1,15})?$/, expected)
    .transform(Number)
    .refine((value) => value >= min && value <= max, expected);
}

/** Schema of a variable that is `true` or `false`, in any case. */
export function boolean() {
  return z
    .string()
    .toLowerCase()
    .pipe(z.enum(['true', 'false'], 'expected true or false'))
    .transform((value) => value === 'true');
}

/** Returns whether a value is an https URL (http on loopback) without query, fragment and credentials. */
export function isServiceUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, hostname, search, hash, username, password } = new URL(value);
  const isSafe = protocol === 'https:' || (protocol === 'http:' && isLoopbackHost(hostname));
  return isSafe && `${search}${hash}${username}${password}` === '';
}
