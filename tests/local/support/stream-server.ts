import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { listenForTest } from '../../support/listen-for-test.js';

export interface StreamRequest {
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

export type StreamReply = (response: ServerResponse, request: StreamRequest) => void;

export interface StreamServer {
  readonly base: string;
  readonly requests: readonly StreamRequest[];
}

/**
 * A server of event streams with scripted replies. It closes at the end of the test.
 *
 * @param replies one per request; the last is used for all further requests
 */
export async function startStreamServer(...replies: StreamReply[]): Promise<StreamServer> {
  const requests: StreamRequest[] = [];
  const server = createServer((incoming, response) => {
    const request = { path: incoming.url, headers: incoming.headers };
    replies[Math.min(requests.push(request), replies.length) - 1]?.(response, request);
  });
  const address = await listenForTest(server);
  return { base: address, requests };
}

/** How a stream continues after its bytes: it ends, breaks, or stays open. */
export type StreamEnd = 'end' | 'cut' | 'open';

/** A stream of these bytes. */
export function streaming(bytes: string | Uint8Array, end: StreamEnd = 'open'): StreamReply {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    // Cuts the connection only after everything was sent.
    response.write(bytes.length === 0 ? ':\n\n' : bytes, () => {
      if (end === 'end') response.end();
      else if (end === 'cut') response.socket?.destroy();
    });
  };
}

/** An answer without a stream. */
export function refusing(status: number, body = '', headers: Readonly<Record<string, string>> = {}): StreamReply {
  return (response) => response.writeHead(status, headers).end(body);
}
