import { HttpError } from '../../functions/http-error.js';
import { isThreadId, THREAD_ID_RULE } from '../thread/thread-id.js';

/** @throws HttpError 400 when a request's value is absent, or no thread id */
export function requireThreadId(value: string | undefined): string {
  if (value === undefined || !isThreadId(value)) {
    throw new HttpError(400, `Invalid thread_id: expected ${THREAD_ID_RULE}`);
  }
  return value;
}
