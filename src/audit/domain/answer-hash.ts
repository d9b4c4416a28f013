import { createHash } from 'node:crypto';

const HASH_LENGTH = 22;

/**
 * Tells one answer to a run from another: deliveries of a run may each have given one, and only one of them is in the
 * conversation. Two with the same text are the same answer.
 */
export function answerHash(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, HASH_LENGTH);
}
