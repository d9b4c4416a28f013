import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
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
 * A model on loopback for what an ordinary mock does not do; ends with the test.
 *
 * @param replies one for each request, the last of them for all that follow
 */
export async function startModelServer(...replies: ModelReply[]): Promise<ModelServer> {
  const requests: ModelRequest[] = [];
  const take = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method, url: path, headers } = incoming;
    const request = { method, path, headers, body: JSON.parse(await text(incoming)) };
    const reply = replies[Math.min(requests.push(request), replies.length) - 1];
    reply?.(response, request);
  };
  const server = createServer((incoming, response) => {
    take(incoming, response).catch((error: Error) => response.destroy(error));
  });
  const address = await listenForTest(server);
  return { endpoint: address, requests };
}

/** How a stream ends: as it should, without `[DONE]`, never, or by a cut of the connection. */
export type StreamEnd = 'done' | 'clean' | 'stall' | 'cut';

/** A stream of these events; a string is sent as it is. */
export function streamed(events: readonly (object | string)[], end: StreamEnd = 'done'): ModelReply {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    const lines = events.map((event) => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`);
    if (end === 'done') lines.push('data: [DONE]\n\n');
    // The connection may only be cut when all of it has left.
    response.write(lines.join('') || ':\n\n', () => {
      if (end === 'done' || end === 'clean') response.end();
      else if (end === 'cut') response.socket?.destroy();
    });
  };
}

/** An answer that is no stream. */
export function answered(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): ModelReply {
  return (response) => {
    response
      .writeHead(status, { 'content-type': 'application/json', ...headers })
      .end(typeof body === 'string' ? body : JSON.stringify(body));
  };
}

/** A stream of these pieces, byte by byte as they are given; it ends with the last one, unless it is left open. */
export function rawStream(pieces: readonly (string | Uint8Array)[], { isLeftOpen = false } = {}): ModelReply {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    for (const piece of pieces) response.write(piece);
    if (!isLeftOpen) response.end();
  };
}
