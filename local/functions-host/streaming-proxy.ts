import { Agent, request as sendRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import net from 'node:net';
import { pipeline } from 'node:stream';
import type { ProgrammingModel } from './functions-core.js';
import { answer } from './http-server.js';
import { encodeUrlForForwarding, type HostRequest } from './server-quirks.js';

const connectionHeaders = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade']);
const forwardingHeaders = ['x-ms-invocation-id', 'x-forwarded-host', 'x-forwarded-proto'];
const headersSetAnew = new Set(['host', 'content-length', 'expect', ...forwardingHeaders]);

/** The HTTP proxy of `@azure/functions`, which carries requests to a streaming app and its responses. */
export interface StreamingProxy {
  /**
   * Forwards a request for an invocation.
   *
   * @param body - the whole body; if undefined, forwards the body as it arrives
   */
  forward(request: HostRequest, response: ServerResponse, invocationId: string, body: Uint8Array | undefined): void;
  close(): void;
}

/**
 * Requests the capabilities of the programming model, which makes it start its proxy if HTTP streaming is on.
 *
 * @returns undefined for an app with buffered bodies
 */
export async function startStreamingProxy(model: ProgrammingModel): Promise<StreamingProxy | undefined> {
  const started = listenOnLoopback(() => model.getCapabilities({}));
  const { HttpUri: uri } = await started.result;
  if (uri === undefined) return undefined;
  const port = Number(new URL(uri).port);
  for (const server of started.servers) Object.assign(server, { keepAliveTimeout: 0, requestTimeout: 0 });
  const agent = new Agent({ keepAlive: true });
  return {
    forward: (request, response, invocationId, body) =>
      forward({ agent, port }, { request, response, invocationId, body }),
    close() {
      agent.destroy();
      for (const server of started.servers) server.close();
    },
  };
}

/** Runs `start`, and makes the servers that it starts listen on loopback only. The proxy would use all interfaces. */
function listenOnLoopback<Result>(start: () => Result): { result: Result; servers: net.Server[] } {
  const servers: net.Server[] = [];
  const prototype: { listen: Listen } = net.Server.prototype;
  const original = prototype.listen;
  prototype.listen = function listenOnLoopbackOnly(...parameters) {
    servers.push(this);
    return original.call(this, { port: 0, host: '127.0.0.1' }, parameters.find(isListener));
  };
  try {
    return { result: start(), servers };
  } finally {
    prototype.listen = original;
  }
}

type Listen = (this: net.Server, options: unknown, listener?: () => void) => net.Server;

function isListener(value: unknown): value is () => void {
  return typeof value === 'function';
}

interface Exchange {
  readonly request: HostRequest;
  readonly response: ServerResponse;
  readonly invocationId: string;
  readonly body: Uint8Array | undefined;
}

function forward(proxy: { agent: Agent; port: number }, { request, response, invocationId, body }: Exchange): void {
  const hasBody = body !== undefined || request.headers.has('transfer-encoding');
  const upstream = sendRequest({
    // If the function does not read the whole body, the rest would block the next request on the same connection.
    agent: hasBody ? false : proxy.agent,
    host: '127.0.0.1',
    port: proxy.port,
    method: request.method,
    path: encodeUrlForForwarding(request),
    headers: {
      // Otherwise the proxy closes the connection with the response, which is lost if the body is not read completely.
      connection: 'keep-alive',
      // The library reads headers from the trigger's metadata, but its proxy limits their size.
      ...withoutOwn(request.message, headersSetAnew),
      'x-ms-invocation-id': invocationId,
      'x-forwarded-host': request.headers.get('host') ?? '',
      'x-forwarded-proto': 'http',
      ...(body === undefined ? {} : { 'content-length': body.length }),
    },
  });
  upstream.on('response', (received) => passOn(received, response));
  upstream.on('error', () => {
    if (!response.headersSent && !response.destroyed) answer(response, 502);
  });
  response.on('close', () => {
    upstream.destroy();
    // Like the real host's server, discard the rest of the body so that it does not block the client's next request.
    request.message.unpipe(upstream).resume();
  });
  if (body === undefined) request.message.pipe(upstream);
  else upstream.end(body);
}

function passOn(received: IncomingMessage, response: ServerResponse): void {
  response.writeHead(received.statusCode ?? 200, received.statusMessage, withoutOwn(received, new Set(['date'])));
  response.flushHeaders();
  // A client that disconnects, or a response that breaks, closes the other side too.
  pipeline(received, response, () => undefined);
}

/** Returns the headers of a message without those of its connection. */
function withoutOwn({ headersDistinct }: IncomingMessage, others: ReadonlySet<string>): Record<string, string[]> {
  const entries = Object.entries(headersDistinct).filter(([name]) => !connectionHeaders.has(name) && !others.has(name));
  return Object.fromEntries(entries.map(([name, values]) => [name, values ?? []]));
}
