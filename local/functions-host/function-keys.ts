import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { JournalUnreadableError } from './durable/journal-errors.js';
import { type HostRequest, type Query } from './server-quirks.js';

/** Keys of the app: `function` for all functions, `system` for the durable HTTP API, `master` for everything. */
export interface FunctionKeys {
  readonly function: string;
  readonly master: string;
  readonly system: string;
}

const storedKey = z.string().min(1);
const keysSchema = z.object({ function: storedKey, master: storedKey, system: storedKey });

/** Level of a route. `anonymous` requires no key. */
export type AuthLevel = 'anonymous' | 'function' | 'system' | 'admin';

/**
 * Creates new keys. With a folder, reuses the keys stored there.
 *
 * @throws system errors, and JournalUnreadableError if the file is malformed
 */
export function createFunctionKeys(folder: string | undefined): FunctionKeys {
  const keys = { function: createKey(), master: createKey(), system: createKey() };
  if (folder === undefined) return keys;
  const file = path.join(folder, 'function-keys');
  if (existsSync(file)) return readKeys(file);
  writeFileSync(`${file}.tmp`, JSON.stringify(keys), { mode: 0o600 });
  renameSync(`${file}.tmp`, file);
  return keys;
}

function createKey(): string {
  return randomBytes(40).toString('base64url');
}

function readKeys(file: string): FunctionKeys {
  try {
    return keysSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) {
      throw new JournalUnreadableError(file, 'it does not contain function keys.', { cause: error });
    }
    throw error;
  }
}

/**
 * Returns whether the request's key is valid for `level`: the first header `x-functions-key`, otherwise the first query
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
