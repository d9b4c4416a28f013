import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { createGunzip } from 'node:zlib';
import { ZodError } from 'zod';
import { isPortTaken, portTakenError } from '../loopback-port.js';
import { type ReceivedSpan, spansIn } from './otlp-spans.js';

/** Maximum number of stored traces. Older ones are dropped. */
const MAX_TRACES = 100;

export interface TraceReceiverOptions {
  /** 0 selects a free port. */
  readonly port: number;
  /** Called when a run has ended, with all spans of its trace so far. */
  readonly onRun: (run: ReceivedSpan, trace: readonly ReceivedSpan[]) => void;
}

export interface TraceReceiver {
  /** Value for `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly endpoint: string;
  close(): Promise<void>;
}

/**
 * Receives OTLP over HTTP on loopback, in JSON, and collects the spans of each trace. Metrics are accepted and dropped.
 *
 * @throws LaunchError if the port is in use
 */
export async function receiveTraces({ port, onRun }: TraceReceiverOptions): Promise<TraceReceiver> {
  const traces = new Map<string, ReceivedSpan[]>();
  const take = (spans: readonly ReceivedSpan[]): void => {
    for (const span of spans) {
      const trace = traces.get(span.traceId) ?? [];
      trace.push(span);
      traces.set(span.traceId, trace);
      const [oldest] = traces.keys();
      if (traces.size > MAX_TRACES && oldest !== undefined) traces.delete(oldest);
    }
    // The span of a run ends after those of its calls.
    for (const span of spans) {
      if (span.attributes['gen_ai.operation.name'] === 'invoke_agent') onRun(span, traces.get(span.traceId) ?? []);
    }
  };
  const server = createServer((request, response) => {
    answer(request, response, take).catch((error: unknown) => {
      const isBad = error instanceof SyntaxError || error instanceof ZodError;
      respond(response, isBad ? 400 : 500, isBad ? 'Expected an OTLP request in JSON.' : 'The request failed.');
    });
  });
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    throw isPortTaken(error) ? portTakenError(port, error) : error;
  }
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('Expected a TCP address with a port');
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  take: (spans: readonly ReceivedSpan[]) => void,
): Promise<void> {
  const { method, url, headers } = request;
  if (method !== 'POST' || (url !== '/v1/traces' && url !== '/v1/metrics')) {
    respond(response, 404, 'Expected POST /v1/traces or /v1/metrics.');
  } else if (!(headers['content-type'] ?? '').startsWith('application/json')) {
    respond(response, 415, 'Expected JSON: set OTEL_EXPORTER_OTLP_PROTOCOL to http/json.');
  } else {
    const payload = await json(headers['content-encoding'] === 'gzip' ? request.pipe(createGunzip()) : request);
    if (url === '/v1/traces') take(spansIn(payload));
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  }
}

function respond(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ message }));
}
