import { subscribe } from 'node:diagnostics_channel';
import { IncomingMessage, ServerResponse } from 'node:http';
import type { InvocationContext } from '@azure/functions';

const INVOCATION_ID_HEADER = 'x-ms-invocation-id';

const responses = new Map<string, ServerResponse>();
let isTracking = false;

/**
 * Lets handlers see the HTTP response of their invocation, once for the whole process. `@azure/functions` writes
 * streamed bodies to it without waiting for the client, and does not tell a handler that the client has left.
 *
 * @see https://nodejs.org/api/diagnostics_channel.html#http
 */
export function trackResponses(): void {
  if (isTracking) return;
  isTracking = true;
  subscribe('http.server.request.start', (message) => {
    if (!isExchange(message)) return;
    const { request, response } = message;
    const invocationId = request.headers[INVOCATION_ID_HEADER];
    if (typeof invocationId !== 'string') return;
    responses.set(invocationId, response);
    response.once('close', () => responses.delete(invocationId));
  });
}

function isExchange(
  message: unknown,
): message is { readonly request: IncomingMessage; readonly response: ServerResponse } {
  if (typeof message !== 'object' || message === null || !('request' in message && 'response' in message)) return false;
  return message.request instanceof IncomingMessage && message.response instanceof ServerResponse;
}

/** The response that the host reads for an invocation. Undefined if it is not tracked, or the client has left. */
export function responseOf({ invocationId }: InvocationContext): ServerResponse | undefined {
  return responses.get(invocationId);
}

/** Waits until the client has taken what was written so far, or has left. */
export async function drained(response: ServerResponse): Promise<void> {
  if (!response.writableNeedDrain || response.destroyed) return;
  await new Promise<void>((resolve) => {
    const settle = (): void => {
      response.off('drain', settle).off('close', settle);
      resolve();
    };
    response.on('drain', settle).on('close', settle);
  });
}
