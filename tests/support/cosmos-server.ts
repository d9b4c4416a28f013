import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer, json } from 'node:stream/consumers';
import Account from '@vercel/cosmosdb-server/lib/account/index.js';
import type Collection from '@vercel/cosmosdb-server/lib/account/collection.js';
import findRoute from '@vercel/cosmosdb-server/lib/routes.js';
import { applyBatch, type BatchOperation } from './cosmos-batch.js';
import { removeExpiredItems } from './cosmos-expiry.js';
import type { LoopbackService } from './loopback-service.js';
import { KEEP_IDLE_CONNECTIONS } from './keep-idle-connections.js';

export interface CosmosServer extends LoopbackService {
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string;
  /** Any key is accepted. */
  readonly key: string;
  /** The same endpoint for another loopback port, such as that of a proxy. */
  endpointThrough(port: number): string;
}

type Handler = (
  account: Account,
  request: IncomingMessage,
  response: ServerResponse,
  parameters: Readonly<Record<string, string>>,
) => unknown;

/** The limit of a request, and so of an item and of a batch. The SDK itself limits the number of operations. */
const MAX_BYTES = 2 * 1024 * 1024;

/**
 * Starts a Cosmos DB emulator on loopback, in this process: `@vercel/cosmosdb-server` with five fixes that the store
 * relies on. Batches are atomic, requests have at most 2 MiB, items expire, a replaced container keeps its items, and the
 * emulator announces the address of the request. Its data survives `stop` and `start`. The caller closes it.
 *
 * @param now the clock for expiry
 */
export async function startCosmosServer(now = () => Date.now()): Promise<CosmosServer> {
  const account = new Account('127.0.0.1', 0);
  const server = createServer({ keepAliveTimeout: KEEP_IDLE_CONNECTIONS }, (request, response) => {
    removeExpiredItems(account, now());
    answer(account, request, response).catch((error: Error) => response.destroy(error));
  });
  const listen = async (onPort: number): Promise<number> => {
    server.listen(onPort, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  const port = await listen(0);
  return {
    port,
    endpoint: endpointThrough(port),
    key: Buffer.from('any key').toString('base64'),
    endpointThrough,
    stop,
    start: async () => void (await listen(port)),
    close: stop,
  };
}

function endpointThrough(port: number): string {
  return `http://127.0.0.1:${port}`;
}

async function answer(account: Account, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [parameters, handle] = (findRoute(request) ?? [{}, handleUnknownRoute]) as [Record<string, string>, Handler];
  const isBatch = request.headers['x-ms-cosmos-is-batch-request'] !== undefined;
  const isContainer = request.method === 'PUT' && Object.keys(parameters).join() === 'dbId,collId';
  const replaced = isContainer ? containerOf(account, parameters).documents : undefined;
  const isTooLarge = Number(request.headers['content-length'] ?? 0) > MAX_BYTES;
  const chosen = isTooLarge ? refuseLargeRequest : isBatch ? handleBatch : handle;
  const body = (await chosen(account, request, response, parameters)) ?? {};
  if (replaced !== undefined) containerOf(account, parameters).documents = replaced;
  const { _etag: etag } = body as { _etag?: string };
  if (etag !== undefined) response.setHeader('etag', etag);
  response.setHeader('content-type', 'application/json');
  response.setHeader('x-ms-activity-id', randomUUID());
  response.setHeader('x-ms-request-charge', '1');
  const text = JSON.stringify(body);
  response.end(request.url === '/' ? text.replaceAll(/https:\/\/[^/]*\//g, `http://${request.headers.host}/`) : text);
}

function containerOf(account: Account, { dbId = '', collId = '' }: Readonly<Record<string, string>>): Collection {
  return account.database(dbId).collection(collId);
}

const handleUnknownRoute: Handler = (_account, _request, response) => {
  response.statusCode = 400;
  return { message: 'no route' };
};

const refuseLargeRequest: Handler = async (_account, request, response) => {
  await buffer(request);
  response.statusCode = 413;
  return { message: 'The request is too large.' };
};

const handleBatch: Handler = async (account, request, response, parameters) => {
  const collection = containerOf(account, parameters);
  if (collection.read() === undefined) {
    response.statusCode = 404;
    return { message: 'no such container' };
  }
  const operations = (await json(request)) as BatchOperation[];
  const results = applyBatch(collection, String(request.headers['x-ms-documentdb-partitionkey']), operations);
  response.statusCode = results.every(({ statusCode }) => statusCode < 400) ? 200 : 207;
  return results;
};
