import { createServer, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { openCosmosStoreAdapter } from '../../../../src/audit/store/cosmos/cosmos-store-adapter.js';
import type { DurableStoreAdapter } from '../../../../src/audit/store/durable/durable-store-adapter.js';
import type { StoredEvent } from '../../../../src/audit/domain/stored-event.js';
import type { ThreadChange } from '../../../../src/audit/domain/thread-changes.js';
import { addToTotals } from '../../../../src/audit/domain/thread-head.js';
import { streamEvent, thread } from '../../../support/callback-events.js';
import { listenForTest } from '../../../support/listen-for-test.js';

/*
 * What the emulator does not answer, and the service does: statuses in place of an item or a batch, as they are
 * documented.
 */

interface ScriptedAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

const CONTAINER = {
  id: 'events',
  partitionKey: { paths: ['/partition'] },
  defaultTtl: -1,
  indexingPolicy: { compositeIndexes: [[{ path: '/partition' }, { path: '/sequence' }]] },
};

const change: ThreadChange = {
  head: { epoch: 'e', version: 2, oldestSequence: 1, newestSequence: 0 },
  isNewMessage: false,
  events: [],
};

/** A service that answers what is asked about items as `answer` says; `undefined`: not at all. */
async function storageOver(
  answer: (requestNumber: number, request: IncomingMessage) => ScriptedAnswer | undefined,
  defaultConsistencyLevel = 'Session',
): Promise<DurableStoreAdapter> {
  const account = { id: 'account', userConsistencyPolicy: { defaultConsistencyLevel } };
  let requestCount = 0;
  const server = createServer((request, response) => {
    const respond = async (): Promise<void> => {
      await text(request);
      const url = request.url ?? '';
      const isPlan = request.headers['x-ms-cosmos-is-query-plan-request'] !== undefined;
      const isItem = url.includes('/docs') && !isPlan;
      const body = url.includes('/colls/') ? CONTAINER : account;
      const other: ScriptedAnswer = { status: isPlan ? 400 : 200, body };
      const answered = isItem ? answer((requestCount += 1), request) : other;
      if (answered === undefined) return;
      const { status, headers = {}, body: sent = { message: 'as scripted' } } = answered;
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(sent));
    };
    void respond();
  });
  const endpoint = await listenForTest(server);
  const access = { key: Buffer.from('key').toString('base64') };
  const storage = await openCosmosStoreAdapter({ endpoint, access, database: 'agents', container: 'events' });
  onTestFinished(() => storage.close());
  return storage;
}

describe('CosmosEventStorage, of what the service answers', () => {
  it('takes an item that is not there for a thread that is unknown', async () => {
    const storage = await storageOver(() => ({ status: 404 }));
    expect(await storage.readHead(thread)).toBeUndefined();
  });

  it.each([
    ['the container is not there', '1003'],
    ['the session is not there yet', '1002'],
  ])('fails, and does not take a thread for unknown, when %s', async (_what, substatus) => {
    const storage = await storageOver(() => ({ status: 404, headers: { 'x-ms-substatus': substatus } }));
    await expect(storage.readHead(thread)).rejects.toThrow(substatus);
    await expect(storage.readRuns(thread, 'e', ['run'])).rejects.toThrow(substatus);
    await expect(storage.ping()).rejects.toThrow(substatus);
  });

  it.each([
    ['is missing', 404],
    ['is there already', 409],
    ['was changed', 412],
    ['is being changed', 449],
  ])('calls it a conflict when the head %s', async (_what, statusCode) => {
    const storage = await storageOver(() => ({ status: 207, body: [{ statusCode }, { statusCode: 424 }] }));
    expect(await storage.commit(thread, 'tag', change)).toBeUndefined();
  });

  it('calls it a conflict when anything else is being changed', async () => {
    const storage = await storageOver(() => ({ status: 207, body: [{ statusCode: 424 }, { statusCode: 449 }] }));
    expect(await storage.commit(thread, 'tag', change)).toBeUndefined();
  });

  it.each([404, 409, 412, 413, 429, 500])(
    'fails when a batch is refused for another reason (%i)',
    async (statusCode) => {
      const storage = await storageOver(() => ({ status: 207, body: [{ statusCode: 424 }, { statusCode }] }));
      await expect(storage.commit(thread, 'tag', change)).rejects.toThrow(String(statusCode));
    },
  );

  it.each([401, 403, 404, 413, 500, 503])('fails when a batch is answered with status %i', async (status) => {
    const storage = await storageOver(() => ({ status }));
    await expect(storage.commit(thread, 'tag', change)).rejects.toThrow('as scripted');
  });

  it.each(['Eventual', 'ConsistentPrefix'])('refuses an account whose consistency is %s', async (level) => {
    await expect(storageOver(() => undefined, level)).rejects.toThrow(level);
  });

  it('gives the ETag of the head', async () => {
    const results = [
      { statusCode: 200, eTag: '"2"' },
      { statusCode: 201, eTag: '"other"' },
    ];
    const storage = await storageOver(() => ({ status: 200, body: results }));
    expect(await storage.commit(thread, '"1"', change)).toBe('"2"');
  });

  it('reads on behind a page of a query that is empty', async () => {
    const continued = { 'x-ms-continuation': 'next' };
    const found = { status: 200, body: { Documents: [{ sequence: 1, events: [{ sequence: 1 }] }] } };
    const storage = await storageOver((_number, { headers }) =>
      headers['x-ms-continuation'] === undefined ? { status: 200, headers: continued, body: { Documents: [] } } : found,
    );
    expect(await storage.readEvents(thread, 1, 10)).toEqual([{ sequence: 1 }]);
  });

  it('reads on behind a page that is shorter than it was asked for, and begins late', async () => {
    const pages = [7, 8, 9].map((sequence) => ({ Documents: [{ sequence, events: [{ sequence }] }] }));
    const storage = await storageOver((number) => {
      return { status: 200, headers: { 'x-ms-continuation': 'next' }, body: pages[number - 1] };
    });
    expect(await storage.readEvents(thread, 1, 2)).toEqual([{ sequence: 7 }, { sequence: 8 }]);
  });

  it('lists threads however long all pages take together, while none of them takes too long', async () => {
    const totals = addToTotals(undefined, streamEvent('a', new Date().toISOString()), true);
    const head = { epoch: 'abcd1234', version: 1, oldestSequence: 1, newestSequence: 1, totals };
    const storage = await storageOver((number) => {
      vi.advanceTimersByTime(4000);
      const headers: Record<string, string> = number < 3 ? { 'x-ms-continuation': 'next' } : {};
      return { status: 200, headers, body: { Documents: [{ threadId: String(number), head }] } };
    });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const { threads: listed } = await storage.listThreads(thread.agentName);
    expect(listed.map(({ threadId }) => threadId).toSorted()).toEqual(['1', '2', '3']);
  });

  it('fails when a page of threads takes too long', async () => {
    const storage = await storageOver(() => {
      vi.advanceTimersByTime(5000);
      return undefined;
    });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    await expect(storage.listThreads(thread.agentName)).rejects.toThrow('no answer within 5000 ms');
  });

  it('leaves what it finds of a thread without a head when the head is there after all', async () => {
    const asked: string[] = [];
    const storage = await storageOver((_number, { method = '', headers }) => {
      const isQuery = headers['x-ms-documentdb-isquery'] !== undefined;
      asked.push(isQuery ? 'query' : method);
      if (isQuery) return { status: 200, body: { Documents: [{ id: 'events-000000000000001', _etag: '"1"' }] } };
      return { status: 200, headers: { etag: '"2"' }, body: { id: 'head', head: change.head } };
    });
    expect(await storage.commit(thread, undefined, change)).toBeUndefined();
    expect(asked).toEqual(['query', 'GET']);
  });

  it('leaves what is changed while it removes the rest of a thread without a head', async () => {
    const conditions: unknown[] = [];
    const storage = await storageOver((_number, { method, headers }) => {
      const isQuery = headers['x-ms-documentdb-isquery'] !== undefined;
      if (isQuery) return { status: 200, body: { Documents: [{ id: 'events-000000000000001', _etag: '"1"' }] } };
      if (method === 'GET') return { status: 404 };
      if (method === 'DELETE') {
        conditions.push(headers['if-match']);
        return { status: 412 };
      }
      return { status: 200, body: [{ statusCode: 201, eTag: '"2"' }] };
    });
    expect(await storage.commit(thread, undefined, change)).toBe('"2"');
    expect(conditions).toEqual(['"1"']);
  });

  it('writes what is beside a batch before it, and no batch when that fails', async () => {
    const kinds: string[] = [];
    let isFull = false;
    const storage = await storageOver((_number, { headers }) => {
      const isBatch = headers['x-ms-cosmos-is-batch-request'] !== undefined;
      kinds.push(isBatch ? 'batch' : 'part');
      if (isFull) return { status: 507 };
      return isBatch ? { status: 200, body: [{ statusCode: 200, eTag: '"2"' }] } : { status: 201, body: {} };
    });
    const { timestamp, eventType, fields } = streamEvent('a'.repeat(1_200_000));
    const event: StoredEvent = { sequence: 1, correlationId: 'c', attempt: 1, timestamp, eventType, fields };
    await storage.commit(thread, '"1"', { ...change, events: [event] });
    expect(kinds).toEqual(['part', 'part', 'part', 'batch']);
    isFull = true;
    await expect(storage.commit(thread, '"1"', { ...change, events: [event] })).rejects.toThrow('as scripted');
    expect(kinds).toEqual(['part', 'part', 'part', 'batch', 'part']);
  });

  it('tries again when it is told to wait a moment', async () => {
    const throttled = { status: 429, headers: { 'x-ms-retry-after-ms': '10' } };
    const storage = await storageOver((number) =>
      number < 3 ? throttled : { status: 200, body: [{ statusCode: 200, eTag: '"2"' }] },
    );
    expect(await storage.commit(thread, '"1"', change)).toBe('"2"');
  });

  it.each<[string, ScriptedAnswer | undefined, string]>([
    ['does not answer', undefined, 'no answer within'],
    ['goes on telling it to wait', { status: 429, headers: { 'x-ms-retry-after-ms': '900' } }, 'as scripted'],
    ['tells it to wait for long', { status: 429, headers: { 'x-ms-retry-after-ms': '60000' } }, 'no answer within'],
  ])('fails when the service %s', async (_what, answer, reason) => {
    const storage = await storageOver(() => answer);
    await Promise.all([
      expect(storage.readHead(thread)).rejects.toThrow(reason),
      expect(storage.commit(thread, '"1"', change)).rejects.toThrow(reason),
    ]);
  });
});
