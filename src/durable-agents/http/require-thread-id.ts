import { HttpError } from '../../functions/http-error.js';
import { isThreadId, THREAD_ID_RULE } from '../thread/thread-id.js';

/** @throws HttpError 400 if the value is missing or not a valid thread id */
export function requireThreadId(value: string | undefined): string {
  if (value === undefined || !isThreadId(value)) {
    throw new HttpError(400, `Invalid thread_id: expected ${THREAD_ID_RULE}`);
  }
  return value;
}
