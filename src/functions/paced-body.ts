import { ReadableStream } from 'node:stream/web';
import type { InvocationContext } from '@azure/functions';
import { drained, responseOf } from './outgoing-response.js';

/**
 * Creates a response body with back-pressure: pulls the next piece only after the client has read the previous ones.
 * Yields to the event loop between pieces, and stops when the client disconnects.
 */
export function pacedBody(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  context: InvocationContext,
): ReadableStream<Uint8Array> {
  return ReadableStream.from(paced(pieces, context));
}

async function* paced(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  context: InvocationContext,
): AsyncGenerator<Uint8Array> {
  const response = responseOf(context);
  for await (const piece of pieces) {
    if (response?.destroyed) return;
    yield piece;
    await new Promise(setImmediate);
    if (response !== undefined) await drained(response);
  }
}
