import { randomBytes } from 'node:crypto';
import type { StoredValue } from './key-value-store.js';
import { decodeText } from './safe-text.js';

/** Length of the token in a row: 9 bytes in Base64. */
const TOKEN_LENGTH = 12;
/** Prefix of the keys of parts. Sorts before all characters of other keys. */
export const PART = '!';

/**
 * The content of a row: the token of the commit that wrote it, then `=` and a text, or `#` and the number of its parts.
 */
export interface SplitRow {
  readonly token: string;
  /** Undefined if the row refers to parts. */
  readonly text: string | undefined;
  readonly partCount: number;
}

/** Creates the token of a commit. */
export function createToken(): string {
  return randomBytes(9).toString('base64url');
}

/** @param text - the result of `encodeText` */
export function shortRow(token: string, text: string): string {
  return `${token}=${text}`;
}

export function longRow(token: string, partCount: number): string {
  return `${token}#${partCount}`;
}

/** @throws Error for a row of another format */
export function parseRow({ key, value }: StoredValue): SplitRow {
  const token = value.slice(0, TOKEN_LENGTH);
  const content = value.slice(TOKEN_LENGTH + 1);
  const kind = value[TOKEN_LENGTH];
  if (kind === '=') return { token, text: decodeText(content), partCount: 0 };
  if (kind === '#') return { token, text: undefined, partCount: Number(content) };
  throw new Error(`The row of ${key} was not written by this app.`);
}

/** Returns the key of a part. Sorts as the value's key does, because `!` is before all characters of a key. */
export function partKey(key: string, token: string, index: number | string): string {
  return `${PART}${key}${PART}${token}${PART}${index}`;
}
