import { createServer, STATUS_CODES, type OutgoingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { CorsOptions } from './cors.js';
import { explainRefusal } from './explain-refusal.js';
import { readRequest, reasonPhrase, type HostRequest } from './server-quirks.js';

/** Serves one request. When it rejects before the answer has begun, the answer is 500. */
export type RequestHandler = (request: HostRequest, response: ServerResponse) => Promise<void>;

export interface ServerOptions {
  /** 0 takes a free one. */
  readonly port: number;
  readonly handle: RequestHandler;
  /** Called with what a handler rejects with. */
  readonly onError: (error: unknown) => void;
  /** Origins whose pages may call the server. Undefined: none but its own. */
  readonly cors?: CorsOptions | undefined;
  /** How long a request may take to arrive. @default 120 s */
  readonly receiveTimeoutMs?: number;
}

/** An HTTP server on both loopback addresses. */
export interface LoopbackServer {
  readonly port: number;
  /** Accepts no more connections; open ones go on. */
  stop(): void;
  /** Ends all connections. */
  close(): Promise<void>;
}

const defaultReceiveTimeoutMs = 120_000;
/** Kestrel's default. */
const headersTimeoutMs = 30_000;

/**
 * Listens on `localhost` as the real host's server does. Requests of foreign web pages are refused with 403.
 *
 * @throws the server's own error, for instance EADDRINUSE.
 */
export async function startServer(options: ServerOptions): Promise<LoopbackServer> {
  const first = await listen(createHttpServer(options), options.port, '127.0.0.1');
  const actualPort = portOf(first);
  const servers = [first];
  try {
    servers.push(await listen(createHttpServer(options), actualPort, '::1'));
  } catch (error) {
    if (!isAddressMissing(error)) {
      first.close();
      throw error;
    }
  }
  return {
    port: actualPort,
    stop: () => servers.forEach((server) => server.close()),
    async close() {
      const closed = servers.filter((server) => server.listening).map((server) => closeServer(server));
      servers.forEach((server) => server.closeAllConnections());
      await Promise.all(closed);
    },
  };
}

/** Answers with a status and, if there is one, a body of a known length. */
export function answer(response: ServerResponse, status: number, headers: OutgoingHttpHeaders = {}, body = ''): void {
  // The answer to HEAD does not tell a length, unlike that of most servers.
  const length = response.req.method === 'HEAD' ? {} : { 'Content-Length': Buffer.byteLength(body) };
  response.writeHead(status, reasonPhrase(status, STATUS_CODES), { ...headers, ...length });
  response.end(body);
}

/** Reads the whole body; rejects when the client leaves before it is whole. */
export async function readBody({ message }: HostRequest): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function createHttpServer(options: ServerOptions): Server {
  const { handle, onError, cors, receiveTimeoutMs = defaultReceiveTimeoutMs } = options;
  const server = createServer({
    // High enough for the limits of the real host to be applied by the request handler instead.
    maxHeaderSize: 1024 * 1024,
    requireHostHeader: false,
    requestTimeout: receiveTimeoutMs,
    headersTimeout: Math.min(headersTimeoutMs, receiveTimeoutMs),
    connectionsCheckingInterval: Math.min(5000, receiveTimeoutMs),
    keepAliveTimeout: 130_000,
  });
  server.maxHeadersCount = 0;
  server.on('request', (message, response) => {
    // A client that leaves is no reason to end: what is still written to it goes nowhere.
    response.on('error', () => undefined);
    message.on('error', () => undefined);
    const request = readRequest(message);
    if (typeof request === 'number') {
      response.shouldKeepAlive = false;
      answer(response, request);
      return;
    }
    const refusal = explainRefusal(request, cors);
    if (refusal !== undefined) {
      answer(response, 403, { 'Content-Type': 'application/json' }, JSON.stringify({ error: refusal }));
      return;
    }
    handle(request, response).catch((error: unknown) => {
      const hasClientLeft = message.destroyed && !message.complete;
      if (hasClientLeft) return;
      onError(error);
      if (!response.headersSent) answer(response, 500);
    });
  });
  server.on('clientError', answerUnreadable);
  server.on('connect', (_message, socket: Duplex) => socket.end(emptyAnswer('400 Bad Request')));
  return server;
}

/** Answers what the parser refuses. The real host accepts any well-formed method, and has no route for it. */
function answerUnreadable(error: NodeJS.ErrnoException & { rawPacket?: Buffer }, socket: Duplex): void {
  const isTimeout = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  // A request that stops arriving may have been answered in part.
  const isAnswerBegun = isTimeout && socket instanceof Socket && socket.bytesWritten > 0;
  if (!socket.writable || isAnswerBegun) return void socket.destroy();
  const isOtherMethod =
    error.code === 'HPE_INVALID_METHOD' &&
    /^[\w!#$%&'*+\-.^`|~]+ \/[!-~]* HTTP\/1\.[01]\r\n/.test(error.rawPacket?.toString('latin1') ?? '');
  if (isTimeout) socket.end(emptyAnswer('408 Request Timeout'));
  else if (error.code === 'HPE_HEADER_OVERFLOW') socket.end(emptyAnswer('431 Request Header Fields Too Large'));
  else if (error.code === 'HPE_INVALID_VERSION') socket.end(emptyAnswer('505 HTTP Version Not Supported'));
  else socket.end(emptyAnswer(isOtherMethod ? '404 Not Found' : '400 Bad Request'));
}

function emptyAnswer(status: string): string {
  return `HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\nDate: ${new Date().toUTCString()}\r\n\r\n`;
}

async function listen(server: Server, port: number, host: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve(server);
    });
  });
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server does not listen on a port.');
  return address.port;
}

async function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}

function isAddressMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes(String(error.code));
}
