import type { ReadableStream } from 'node:stream/web';
import type { HttpResponseInit } from '@azure/functions';

/**
 * Formats a server-sent event. `data` becomes JSON, which contains no raw line breaks, so no content can end the line or
 * the frame. `id` and `event` must not contain line breaks.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function sseFrame(frame: { readonly id?: string; readonly event: string; readonly data: unknown }): string {
  const id = frame.id === undefined ? '' : `id: ${frame.id}\n`;
  return `${id}event: ${frame.event}\ndata: ${JSON.stringify(frame.data)}\n\n`;
}

/** A comment frame, ignored by readers. Shows the reader and proxies that the connection is alive. */
export const SSE_HEARTBEAT = ': still here\n\n';

/** Makes readers wait one second before they reconnect. */
export const SSE_RETRY = 'retry: 1000\n\n';

/** Responds with a stream of frames. The stream must not fail: the host would keep the client waiting. */
export function sseResponse(
  body: ReadableStream<Uint8Array>,
  headers: Readonly<Record<string, string>> = {},
): HttpResponseInit {
  return {
    status: 200,
    headers: {
      'content-type': 'text/event-stream',
      // A compressing proxy would buffer events until it has a full block.
      'cache-control': 'no-store, no-transform',
      // Otherwise nginx buffers small writes.
      'x-accel-buffering': 'no',
      ...headers,
    },
    body,
  };
}
