import { randomBytes } from 'node:crypto';
import { readQuery, type HostRequest } from './server-quirks.js';

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

/** Whether the key of the request (header `x-functions-key`, otherwise query parameter `code`) is good for `level`. */
export function isAuthorized(request: HostRequest, level: AuthLevel, keys: FunctionKeys): boolean {
  if (level === 'anonymous') return true;
  const key = request.headers.get('x-functions-key') ?? readQuery(request.query, 'code');
  return key !== undefined && (key === keys.master || (level !== 'admin' && key === keys[level]));
}
