import type { ReadableStream } from 'node:stream/web';
import type { HttpResponseInit } from '@azure/functions';

/**
 * One server-sent event. `data` becomes JSON, which contains no raw line break, so nothing in it can end the line or
 * the frame. `id` and `event` are this app's own words.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function sseFrame(frame: { readonly id?: string; readonly event: string; readonly data: unknown }): string {
  const id = frame.id === undefined ? '' : `id: ${frame.id}\n`;
  return `${id}event: ${frame.event}\ndata: ${JSON.stringify(frame.data)}\n\n`;
}

/** A comment, which readers skip. It shows proxies and the reader that the connection is alive. */
export const SSE_HEARTBEAT = ': still here\n\n';

/** How long a reader waits before it reconnects. */
export const SSE_RETRY = 'retry: 1000\n\n';

/** Answers with a stream of frames, which must end without an error: the host keeps a client waiting otherwise. */
export function sseResponse(
  body: ReadableStream<Uint8Array>,
  headers: Readonly<Record<string, string>> = {},
): HttpResponseInit {
  return {
    status: 200,
    headers: {
      'content-type': 'text/event-stream',
      // A proxy that compresses would hold events back until it has a block of them.
      'cache-control': 'no-store, no-transform',
      // nginx buffers small writes otherwise.
      'x-accel-buffering': 'no',
      ...headers,
    },
    body,
  };
}
