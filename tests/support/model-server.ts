import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { asyncListener } from './async-listener.js';
import { listenForTest } from './listen-for-test.js';

export interface ModelRequest {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

export interface ModelServer {
  readonly endpoint: string;
  readonly requests: readonly ModelRequest[];
}

export type ModelReply = (response: ServerResponse, request: ModelRequest) => void;

/**
 * A model on loopback for behaviour that ordinary mocks lack. Closed at the end of the test.
 *
 * @param replies one per request; the last is used for all further requests
 */
export async function startModelServer(...replies: ModelReply[]): Promise<ModelServer> {
  const requests: ModelRequest[] = [];
  const take = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method, url: path, headers } = incoming;
    const request = { method, path, headers, body: JSON.parse(await text(incoming)) };
    const reply = replies[Math.min(requests.push(request), replies.length) - 1];
    reply?.(response, request);
  };
  const server = createServer(asyncListener(take));
  const address = await listenForTest(server);
  return { endpoint: address, requests };
}

/** How a stream ends: normally, without `[DONE]`, never, or with a cut connection. */
export type StreamEnd = 'done' | 'clean' | 'stall' | 'cut';

/** A stream of these events. Strings are sent unchanged. */
export function streamed(events: readonly (object | string)[], end: StreamEnd = 'done'): ModelReply {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    const lines = events.map((event) => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`);
    if (end === 'done') lines.push('data: [DONE]\n\n');
    // Cuts the connection only after everything was sent.
    response.write(lines.join('') || ':\n\n', () => {
      if (end === 'done' || end === 'clean') response.end();
      else if (end === 'cut') response.socket?.destroy();
    });
  };
}

/** An answer that is not a stream. */
export function answered(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): ModelReply {
  return (response) => {
    response
      .writeHead(status, { 'content-type': 'application/json', ...headers })
      .end(typeof body === 'string' ? body : JSON.stringify(body));
  };
}

/** A stream of exactly these bytes. It ends after the last piece unless it is left open. */
export function rawStream(pieces: readonly (string | Uint8Array)[], { isLeftOpen = false } = {}): ModelReply {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    for (const piece of pieces) response.write(piece);
    if (!isLeftOpen) response.end();
  };
}
