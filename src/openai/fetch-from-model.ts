import { ModelConnectionError } from './model-error.js';
import { isTimeout } from './model-failure.js';
import { readAtMost } from './read-at-most.js';
import { retryAfterSeconds } from './retry-after.js';

const MAX_RETRY_WAIT_SECONDS = 20;
const MAX_ERROR_BYTES = 64 * 1024;

/**
 * The `fetch` that the SDK uses for a model.
 *
 * Never follows a redirect, which would send the key and the conversation elsewhere. Tells the SDK not to retry after a
 * redirect, after a timeout (each try is billed), if the server does not implement the request, or after a rate limit with
 * a long wait, because a caller is waiting.
 * Limits the size of an error body and wraps it in `error`, because the SDK drops other bodies.
 *
 * @throws ModelConnectionError if the model cannot be reached
 */
export async function fetchFromModel(...[url, init]: Parameters<typeof fetch>): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { ...init, redirect: 'manual' });
  } catch (error) {
    if (init?.signal?.aborted) throw error;
    const { host } = new URL(url instanceof Request ? url.url : url);
    throw new ModelConnectionError(host, error instanceof TypeError ? (error.cause ?? error) : error);
  }
  if (response.ok) return response;
  // A `Response` cannot have a larger status.
  const status = Math.min(response.status, 599);
  const headers = new Headers(response.headers);
  const isRepeatable = status >= 400 && status !== 501 && !isTimeout(status);
  const waitSeconds = retryAfterSeconds(headers);
  const isLongWait = (waitSeconds ?? 0) > MAX_RETRY_WAIT_SECONDS;
  if (!isRepeatable || isLongWait) headers.set('x-should-retry', 'false');
  // The SDK would wait for any number, also a negative or infinite one.
  if (waitSeconds === undefined) for (const name of ['retry-after', 'retry-after-ms']) headers.delete(name);
  // These describe the body as it was sent.
  for (const name of ['content-encoding', 'content-length', 'transfer-encoding']) headers.delete(name);
  const text = await readError(response, init?.signal);
  return new Response(status === 304 ? null : JSON.stringify({ error: jsonOrText(text) }), { status, headers });
}

/** Reads the body of an error. It is empty if it cannot be read, because the status alone says what is wrong. */
async function readError({ body }: Response, signal: AbortSignal | null | undefined): Promise<string> {
  if (body === null) return '';
  try {
    return (await readAtMost(body.getReader(), MAX_ERROR_BYTES)).text;
  } catch (error) {
    if (signal?.aborted || !(error instanceof TypeError)) throw error;
    return '';
  }
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
