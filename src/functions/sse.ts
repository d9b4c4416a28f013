import { ReadableStream } from 'node:stream/web';
import type { HttpResponseInit, InvocationContext } from '@azure/functions';
import { errorText } from './error-text.js';

/**
 * One server-sent event. `data` becomes JSON, in which no line break stands as itself, so nothing in it can end the
 * line or the frame; `id` and `event` are this app's own words.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function sseFrame(frame: { readonly id?: string; readonly event: string; readonly data: unknown }): string {
  const id = frame.id === undefined ? '' : `id: ${frame.id}\n`;
  return `${id}event: ${frame.event}\ndata: ${JSON.stringify(frame.data)}\n\n`;
}

/** A comment, which readers skip: shows everybody on the way that the connection is in use. */
export const SSE_HEARTBEAT = ': still here\n\n';

/** How long a reader waits before it connects again. */
export const SSE_RETRY = 'retry: 1000\n\n';

/**
 * Answers with a stream of frames. One that fails is logged and ended: a body that errors would leave the client
 * without an end for minutes, where a reader whose stream has ended connects again.
 */
export function sseResponse(
  frames: AsyncIterable<string>,
  context: InvocationContext,
  headers: Readonly<Record<string, string>> = {},
): HttpResponseInit {
  return {
    status: 200,
    headers: {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      // nginx, and what is made from it, would otherwise hold back small writes.
      'x-accel-buffering': 'no',
      ...headers,
    },
    body: ReadableStream.from(encoded(frames, context)),
  };
}

async function* encoded(frames: AsyncIterable<string>, context: InvocationContext): AsyncGenerator<Uint8Array> {
  try {
    for await (const frame of frames) yield Buffer.from(frame);
  } catch (error) {
    context.error(`[${context.functionName}] stream of invocation ${context.invocationId} failed: ${errorText(error)}`);
  }
}
