import { createServer, STATUS_CODES, type OutgoingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { CorsOptions } from './cors.js';
import { explainRefusal } from './explain-refusal.js';
import { readRequest, reasonPhrase, type HostRequest } from './server-quirks.js';

/** Serves one request. If it rejects before the response has started, the response is 500. */
export type RequestHandler = (request: HostRequest, response: ServerResponse) => Promise<void>;

export interface ServerOptions {
  /** 0 selects a free port. */
  readonly port: number;
  readonly handle: RequestHandler;
  /** Called with the errors of handlers. */
  readonly onError: (error: unknown) => void;
  /** Origins whose pages may call the server. If undefined, only its own. */
  readonly cors?: CorsOptions | undefined;
  /** Time limit for receiving a request. @default 120 s */
  readonly receiveTimeoutMs?: number;
}

/** An HTTP server on both loopback addresses. */
export interface LoopbackServer {
  readonly port: number;
  /** Stops accepting connections. Open ones continue. */
  stop(): void;
  /** Closes all connections. */
  close(): Promise<void>;
}

const defaultReceiveTimeoutMs = 120_000;
/** Kestrel's default. */
const headersTimeoutMs = 30_000;

/**
 * Listens on `localhost` like the real host's server. Refuses requests from foreign web pages with 403.
 *
 * @throws the server's error, for example EADDRINUSE
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

/** Sends a status and an optional body of known length. */
export function answer(response: ServerResponse, status: number, headers: OutgoingHttpHeaders = {}, body = ''): void {
  // Unlike most servers, the real host sends no length for HEAD.
  const length = response.req.method === 'HEAD' ? {} : { 'Content-Length': Buffer.byteLength(body) };
  response.writeHead(status, reasonPhrase(status, STATUS_CODES), { ...headers, ...length });
  response.end(body);
}

/** Reads the whole body. Rejects if the client disconnects before it is complete. */
export async function readBody({ message }: HostRequest): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function createHttpServer(options: ServerOptions): Server {
  const { handle, onError, cors, receiveTimeoutMs = defaultReceiveTimeoutMs } = options;
  const server = createServer({
    // High enough that the request handler can apply the limits of the real host instead.
    maxHeaderSize: 1024 * 1024,
    requireHostHeader: false,
    requestTimeout: receiveTimeoutMs,
    headersTimeout: Math.min(headersTimeoutMs, receiveTimeoutMs),
    connectionsCheckingInterval: Math.min(5000, receiveTimeoutMs),
    keepAliveTimeout: 130_000,
  });
  server.maxHeadersCount = 0;
  server.on('request', (message, response) => {
    // Ignore clients that disconnect: later writes are discarded.
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

/** Answers requests that the parser rejects. The real host accepts any well-formed method and finds no route for it. */
function answerUnreadable(error: NodeJS.ErrnoException & { rawPacket?: Buffer }, socket: Duplex): void {
  const isTimeout = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  // A request that times out may have been partly answered.
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
  if (address === null || typeof address === 'string') throw new Error('The server is not listening on a port.');
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
