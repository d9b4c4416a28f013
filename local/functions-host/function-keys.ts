import { randomBytes } from 'node:crypto';
import { type HostRequest, type Query } from './server-quirks.js';

/** Keys that open the app: `function` all functions, `system` the durable HTTP API, `master` everything. */
export interface FunctionKeys {
  readonly function: string;
  readonly master: string;
  readonly system: string;
}

/** Who may call: nobody is asked for a key at `anonymous`. */
export type AuthLevel = 'anonymous' | 'function' | 'system' | 'admin';

export function createFunctionKeys(): FunctionKeys {
  return { function: createKey(), master: createKey(), system: createKey() };
}

function createKey(): string {
  return randomBytes(40).toString('base64url');
}

/**
 * Whether the key of the request is good for `level`: the first header `x-functions-key`, otherwise the first query
 * parameter `code`.
 */
export function isAuthorized(request: HostRequest, level: AuthLevel, keys: FunctionKeys): boolean {
  if (level === 'anonymous') return true;
  const key = request.message.headersDistinct['x-functions-key']?.[0] ?? readFirst(request.query, 'code');
  return key !== undefined && (key === keys.master || (level !== 'admin' && key === keys[level]));
}

function readFirst(query: Query, name: string): string | undefined {
  return query.find((parameter) => parameter.name.toLowerCase() === name)?.values[0];
}
