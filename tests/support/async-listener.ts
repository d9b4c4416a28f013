import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

/**
 * Cuts the connection if there is no answer. A request may come from another test, which used a server on the same port
 * before: without this, it would fail the test run.
 */
export function asyncListener(
  answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): RequestListener {
  return (request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(new Error('No answer', { cause: error })));
  };
}
