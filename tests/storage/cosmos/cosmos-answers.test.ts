import { createServer, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { openCosmosStore } from '../../../src/storage/cosmos/cosmos-store.js';
import type { KeyValueStore, ValueChange } from '../../../src/storage/key-value-store.js';
import { listenForTest } from '../../support/listen-for-test.js';

/*
 * Documented error statuses of the service that the emulator never returns.
 */

interface ScriptedAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

const CONTAINER = {
  id: 'events',
  partitionKey: { paths: ['/partition'] },
  indexingPolicy: { compositeIndexes: [[{ path: '/partition' }, { path: '/key' }]] },
};

const partition = 'events|A|1';
const address = { partition, key: 'head' };
const range = { from: 'a', before: 'b' };
const guard = { key: 'head', tag: '"1"' };
const changes: readonly ValueChange[] = [
  { key: 'head', value: '2' },
  { key: 'a', value: 'a' },
  { key: 'gone', value: undefined },
];

/** A service that answers item requests with `answer`, or never if that is undefined. */
async function storeOver(
  answer: (requestNumber: number, request: IncomingMessage) => ScriptedAnswer | undefined,
  defaultConsistencyLevel = 'Session',
): Promise<KeyValueStore> {
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
  const store = await openCosmosStore({ endpoint, access, database: 'agents', container: 'events' });
  onTestFinished(() => store.close());
  return store;
}

describe('CosmosStore, with responses that the emulator does not return', () => {
  it('reads a missing item as undefined', async () => {
    const store = await storeOver(() => ({ status: 404 }));
    expect(await store.read(address)).toBeUndefined();
  });

  it.each([
    ['the container is missing', '1003'],
    ['the session has not arrived yet', '1002'],
  ])('does not read a value as missing if %s', async (_what, substatus) => {
    const store = await storeOver(() => ({ status: 404, headers: { 'x-ms-substatus': substatus } }));
    await expect(store.read(address)).rejects.toThrow(substatus);
    await expect(store.readMany(partition, ['a'])).rejects.toThrow(substatus);
    await expect(store.ping()).rejects.toThrow(substatus);
  });

  it.each([
    ['the guarded item is missing', 0, 404],
    ['the guarded item exists', 0, 409],
    ['the guarded item has changed', 0, 412],
    ['the guarded item is being changed', 0, 449],
    ['another item is being changed', 1, 449],
    ['an item to be removed is missing', 2, 404],
  ])('reports a conflict if %s', async (_what, failing, statusCode) => {
    const body = changes.map((_, index) => ({ statusCode: index === failing ? statusCode : 424 }));
    const store = await storeOver(() => ({ status: 207, body }));
    expect(await store.commit(partition, guard, changes)).toBeUndefined();
  });

  it.each([404, 409, 412, 413, 429, 500])('fails if a batch is rejected for another item (%i)', async (statusCode) => {
    const store = await storeOver(() => ({ status: 207, body: [{ statusCode: 424 }, { statusCode }] }));
    await expect(store.commit(partition, guard, changes)).rejects.toThrow(String(statusCode));
  });

  it.each([401, 403, 404, 413, 500, 503])('fails if a batch is answered with status %i', async (status) => {
    const store = await storeOver(() => ({ status }));
    await expect(store.commit(partition, guard, changes)).rejects.toThrow('as scripted');
  });

  it.each(['Eventual', 'ConsistentPrefix'])('rejects an account with the consistency %s', async (level) => {
    await expect(storeOver(() => undefined, level)).rejects.toThrow(level);
  });

  it('returns the ETag of the guarded item', async () => {
    const body = [{ statusCode: 201, eTag: '"other"' }, { statusCode: 200, eTag: '"2"' }, { statusCode: 204 }];
    const store = await storeOver(() => ({ status: 200, body }));
    const [head, ...others] = changes;
    if (head === undefined) throw new Error('There are changes.');
    expect(await store.commit(partition, guard, [...others.slice(0, 1), head, ...others.slice(1)])).toBe('"2"');
  });

  it('continues after an empty page of a query', async () => {
    const continued = { 'x-ms-continuation': 'next' };
    const found = { status: 200, body: { Documents: [{ key: 'a', text: 'x', _etag: '"1"' }] } };
    const store = await storeOver((_number, { headers }) =>
      headers['x-ms-continuation'] === undefined ? { status: 200, headers: continued, body: { Documents: [] } } : found,
    );
    expect(await store.readRange(partition, range, 10)).toEqual([{ key: 'a', value: 'x', tag: '"1"' }]);
  });

  it('fails if a page of a query takes too long', async () => {
    const store = await storeOver(() => {
      vi.advanceTimersByTime(5000);
      return undefined;
    });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    await expect(store.readRange(partition, range, 10)).rejects.toThrow('Timed out after 5000 ms');
  });

  it('retries after a short Retry-After', async () => {
    const throttled = { status: 429, headers: { 'x-ms-retry-after-ms': '10' } };
    const body = [{ statusCode: 200, eTag: '"2"' }];
    const store = await storeOver((number) => (number < 3 ? throttled : { status: 200, body }));
    expect(await store.commit(partition, guard, changes)).toBe('"2"');
  });

  it.each<[string, ScriptedAnswer | undefined, string]>([
    ['does not respond', undefined, 'Timed out after'],
    ['keeps answering 429', { status: 429, headers: { 'x-ms-retry-after-ms': '300' } }, 'as scripted'],
    ['answers 429 with a long wait', { status: 429, headers: { 'x-ms-retry-after-ms': '60000' } }, 'Timed out after'],
  ])('fails if the service %s', async (_what, answer, reason) => {
    const store = await storeOver(() => answer);
    await Promise.all([
      expect(store.read(address)).rejects.toThrow(reason),
      expect(store.commit(partition, guard, changes)).rejects.toThrow(reason),
    ]);
  });
});
