import { ReadableStream } from 'node:stream/web';
import type { InvocationContext } from '@azure/functions';
import { drained, responseOf } from './outgoing-response.js';

/**
 * A response body that is produced at the client's pace: the next piece is asked for when the client has taken the
 * ones before it. Yields to the event loop between pieces, and stops when the client leaves.
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
