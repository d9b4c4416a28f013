import { z } from 'zod';
import { isLoopbackHost } from '../functions/loopback-host.js';

/** Environment variables by name, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A setting without which the app cannot start. */
export function required(expected: string) {
  return z.string({ error: `is missing; expected ${expected}` });
}

/** A whole number, as an environment variable holds it. */
export function integer(min: number, max: number) {
  const expected = `expected a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,15}$/, expected)
    .transform(Number)
    .refine((value) => value >= min && value <= max, expected);
}

/** A number that may have decimals, as an environment variable holds it. */
export function decimal(min: number, max: number) {
  const expected = `expected a number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,15}(\.\d{1,15})?$/, expected)
    .transform(Number)
    .refine((value) => value >= min && value <= max, expected);
}

/** `true` or `false`, in any case. */
export function boolean() {
  return z
    .string()
    .toLowerCase()
    .pipe(z.enum(['true', 'false'], 'expected true or false'))
    .transform((value) => value === 'true');
}

/** Whether a value is the address of a service: https, or http on loopback, without query, fragment and credentials. */
export function isServiceUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, hostname, search, hash, username, password } = new URL(value);
  const isSafe = protocol === 'https:' || (protocol === 'http:' && isLoopbackHost(hostname));
  return isSafe && `${search}${hash}${username}${password}` === '';
}
