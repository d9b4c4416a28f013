import { randomUUID } from 'node:crypto';

const MAX_CHARACTERS = 128;
const MAX_KEY_CHARACTERS = 400;
const FORBIDDEN = /[\p{Cc}/\\]/u;
const UNSAFE_IN_KEY = /[^A-Za-z0-9._:@=-]/gu;
const EARLIER_THREAD_ID = /^(?!\.{1,2}$)[A-Za-z0-9._~:@=+-]{1,128}$/;

/** The rule for thread ids, for error messages. */
export const THREAD_ID_RULE =
  '1 to 128 characters without "/", "\\" and control characters, and without white space at either end; ' +
  'beyond A-Z a-z 0-9 . _ : @ = - each takes 3 to 12 characters of the 400 that the entity key may have';

export function isThreadId(value: string): boolean {
  return (
    value !== '' &&
    value === value.trim() &&
    value.isWellFormed() &&
    !FORBIDDEN.test(value) &&
    Array.from(value).length <= MAX_CHARACTERS &&
    toEntityKey(value).length <= MAX_KEY_CHARACTERS
  );
}

/**
 * Returns the key of a thread's entity: the thread id, with `~` and two hex digits for each UTF-8 byte of an unsafe
 * character. The reason: durable-functions puts keys into URLs without encoding them, and newer hosts decode them once
 * more.
 */
export function toEntityKey(threadId: string): string {
  const key = threadId.replaceAll(UNSAFE_IN_KEY, escapeCharacter);
  // A path segment of dots would address another resource.
  return key === '.' || key === '..' ? key.replace('.', '~2E') : key;
}

/**
 * Returns the thread of an entity key. A key of an earlier version is itself the thread id.
 *
 * @returns `undefined` if no thread has this key
 */
export function fromEntityKey(key: string): string | undefined {
  const threadId = decodeKey(key);
  if (threadId !== undefined && isThreadId(threadId) && toEntityKey(threadId) === key) return threadId;
  return EARLIER_THREAD_ID.test(key) ? key : undefined;
}

/**
 * Returns the key of earlier versions for a thread, if it differs: they did not escape `~` and `+`.
 *
 * @returns `undefined` if it does not differ, or if the key now belongs to another thread
 */
export function earlierEntityKey(threadId: string): string | undefined {
  const isEarlier = EARLIER_THREAD_ID.test(threadId) && toEntityKey(threadId) !== threadId;
  return isEarlier && fromEntityKey(threadId) === threadId ? threadId : undefined;
}

/** Creates an id for a thread or a run: 32 lower-case hex digits, with 122 random bits. */
export function createId(): string {
  return randomUUID().replaceAll('-', '');
}

function escapeCharacter(character: string): string {
  return Array.from(Buffer.from(character), (byte) => `~${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}

function decodeKey(key: string): string | undefined {
  const bytes = key.replaceAll(/~([0-9A-F]{2})/g, '%$1');
  if (key.includes('%')) return undefined;
  try {
    return decodeURIComponent(bytes);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
