import { subscribe } from 'node:diagnostics_channel';
import { IncomingMessage, ServerResponse } from 'node:http';
import type { InvocationContext } from '@azure/functions';

const INVOCATION_ID_HEADER = 'x-ms-invocation-id';

/** A client whose buffer has not drained after this time is disconnected: the buffer is in this process's memory. */
const UNREAD_MS = 60_000;

const responses = new Map<string, ServerResponse>();
let isTracking = false;

/**
 * Makes the HTTP response of an invocation available to its handler. Call once per process. `@azure/functions` writes
 * streamed bodies without back-pressure and does not tell a handler that the client has disconnected.
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

/** Returns the response of an invocation, or `undefined` if it is not tracked or the client has disconnected. */
export function responseOf({ invocationId }: InvocationContext): ServerResponse | undefined {
  return responses.get(invocationId);
}

/**
 * Waits until the response's buffer has drained or the client has disconnected. Disconnects a client whose
 * buffer takes longer than a minute.
 */
export async function drained(response: ServerResponse): Promise<void> {
  if (!response.writableNeedDrain || response.destroyed) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => response.destroy(), UNREAD_MS);
    const settle = (): void => {
      clearTimeout(timer);
      response.off('drain', settle).off('close', settle);
      resolve();
    };
    response.on('drain', settle).on('close', settle);
  });
}

/** Disconnects a client that has not taken the rest of a response a minute after its body has ended. */
export function disconnectIfUnread(response: ServerResponse): void {
  const timer = setTimeout(() => response.destroy(), UNREAD_MS);
  timer.unref();
  const settle = (): void => {
    clearTimeout(timer);
    response.off('finish', settle).off('close', settle);
  };
  response.on('finish', settle).on('close', settle);
}
