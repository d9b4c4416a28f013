import { HttpError } from '../errors.js';
import { isThreadId, THREAD_ID_RULE } from '../thread-id.js';

/** @throws HttpError 400 when a request's value is absent, or no thread id */
export function checkedThreadId(value: string | undefined): string {
  if (value === undefined || !isThreadId(value)) {
    throw new HttpError(400, `Invalid thread_id: expected ${THREAD_ID_RULE}`);
  }
  return value;
}
