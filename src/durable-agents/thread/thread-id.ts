import { randomUUID } from 'node:crypto';

/**
 * A thread id is part of the entity's address, where durable-functions does not encode it: `#` and `?` would cut it
 * short, `/` and `\` fail, `.` and `..` would name other resources, and an entity id must stay below 512 characters.
 */
const THREAD_ID = /^(?!\.{1,2}$)[A-Za-z0-9._~:@=+-]{1,128}$/;

/** Says what a thread id may look like, for error messages. */
export const THREAD_ID_RULE = '1 to 128 of the characters A-Z a-z 0-9 . _ ~ : @ = + - (and not "." or "..")';

export function isThreadId(value: string): boolean {
  return THREAD_ID.test(value);
}

/** A new id of 32 lower-case hex digits, 122 of its bits random; serves threads and correlation ids. */
export function createId(): string {
  return randomUUID().replaceAll('-', '');
}
