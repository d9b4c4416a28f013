import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { asyncListener } from './async-listener.js';
import { KEEP_IDLE_CONNECTIONS } from './keep-idle-connections.js';

export interface CosmosBatchProxy {
  readonly port: number;
  readonly endpoint: string;
  /** The operations of the last batch. */
  readonly latestBatchBytes: number;
  close(): Promise<void>;
}

interface BatchOperation {
  readonly operationType: 'Create' | 'Replace' | 'Upsert' | 'Delete';
  readonly id?: string;
  readonly ifMatch?: string;
  readonly resourceBody?: { readonly id: string; readonly partition: string; readonly [name: string]: unknown };
}

const MAX_OPERATIONS = 100;
const MAX_BYTES = 2 * 1024 * 1024;

/**
 * A proxy that adds documented behaviour that the emulator lacks. A batch is atomic and honours the conditions of its
 * operations: the response is 207 with a status per operation, 424 for those that did not fail themselves. A batch has
 * at most 100 operations and 2 MB, an item at most 2 MB, and a missing item is 404.
 *
 * @param emulatorPort a loopback port
 */
export async function startCosmosBatchProxy(emulatorPort: number): Promise<CosmosBatchProxy> {
  let latestBatchBytes = 0;
  const agent = new http.Agent({ keepAlive: true });
  let turn: Promise<unknown> = Promise.resolve();

  async function ask(method: string, path: string, headers: http.IncomingHttpHeaders, body = ''): Promise<Answer> {
    const length = { 'content-length': Buffer.byteLength(body) };
    const { 'transfer-encoding': _chunked, ...others } = headers;
    const asked = http.request({
      host: '127.0.0.1',
      port: emulatorPort,
      method,
      path,
      agent,
      headers: { ...others, ...length },
    });
    asked.end(body);
    const [answer] = (await once(asked, 'response')) as [http.IncomingMessage];
    return { status: answer.statusCode ?? 500, headers: answer.headers, body: await text(answer) };
  }

  /** The status that an operation would return. */
  async function tryOperation(path: string, headers: http.IncomingHttpHeaders, operation: BatchOperation) {
    const { operationType, ifMatch } = operation;
    const id = operation.id ?? operation.resourceBody?.id ?? '';
    if (!/^[^/\\?#]+$/.test(id)) return 400;
    if (Buffer.byteLength(JSON.stringify(operation.resourceBody ?? '')) > MAX_BYTES) return 413;
    if (operationType === 'Upsert') return 200;
    const found = await ask('GET', `${path}/${id}`, readHeaders(headers));
    const isThere = found.status === 200;
    if (operationType === 'Create') return isThere ? 409 : 201;
    if (!isThere) return 404;
    const { _etag: etag } = JSON.parse(found.body);
    return ifMatch !== undefined && ifMatch !== etag ? 412 : 200;
  }

  async function batch(path: string, headers: http.IncomingHttpHeaders, body: string): Promise<Answer> {
    const operations: BatchOperation[] = JSON.parse(body);
    latestBatchBytes = Buffer.byteLength(body);
    if (operations.length > MAX_OPERATIONS) return refusal(400, 'The batch has too many operations.');
    if (latestBatchBytes > MAX_BYTES) return refusal(413, 'The batch is too large.');
    const statuses = await Promise.all(operations.map((operation) => tryOperation(path, headers, operation)));
    const failed = statuses.findIndex((status) => status >= 400);
    if (failed !== -1) {
      const results = statuses.map((status, index) => ({ statusCode: index === failed ? status : 424 }));
      return { status: 207, headers: {}, body: JSON.stringify(results) };
    }
    const partitionKey = headers['x-ms-documentdb-partitionkey'];
    const keyed = operations.map((operation) => ({ ...operation, partitionKey }));
    return ask('POST', path, headers, JSON.stringify(keyed));
  }

  async function respond(request: http.IncomingMessage, body: string): Promise<Answer> {
    const { method = 'GET', url = '/', headers } = request;
    if (headers['x-ms-cosmos-is-batch-request'] !== undefined) return batch(url, headers, body);
    if (headers['x-ms-cosmos-is-query-plan-request'] !== undefined) return refusal(400, 'There are no query plans.');
    const isItem = /\/docs(\/[^/]+)?$/.test(url);
    if (isItem && Buffer.byteLength(body) > MAX_BYTES) return refusal(413, 'The item is too large.');
    return ask(method, url, isItem && method === 'GET' ? readHeaders(headers) : headers, body);
  }

  const server = http.createServer(
    { keepAliveTimeout: KEEP_IDLE_CONNECTIONS },
    asyncListener(async (request, response) => {
      const body = await text(request);
      const isWrite = request.method !== 'GET' && request.headers['x-ms-documentdb-isquery'] === undefined;
      const answered = isWrite ? turn.then(() => respond(request, body)) : respond(request, body);
      if (isWrite) turn = answered.catch(() => {});
      const answer = await answered.catch((error: unknown) => refusal(503, String(error)));
      const { connection: _c, 'transfer-encoding': _t, 'content-length': _l, ...others } = answer.headers;
      response.writeHead(answer.status, others).end(answer.body);
    }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    endpoint: `http://127.0.0.1:${port}`,
    get latestBatchBytes() {
      return latestBatchBytes;
    },
    close: async () => {
      agent.destroy();
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

function refusal(status: number, message: string): Answer {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ message }) };
}

/** Without the second header the emulator answers 500 for a missing item. */
function readHeaders(headers: http.IncomingHttpHeaders): http.IncomingHttpHeaders {
  const key = headers['x-ms-documentdb-partitionkey'];
  return { 'x-ms-documentdb-partitionkey': key, 'x-ms-documentdb-query-enablecrosspartition': 'true' };
}
