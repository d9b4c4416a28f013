import { RestError, TableClient } from '@azure/data-tables';
import { afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { KeyValueStore } from '../../../src/storage/key-value-store.js';
import { SplitValueStore } from '../../../src/storage/split-value-store.js';
import { openTableStore, TABLE_LIMITS } from '../../../src/storage/table/table-store.js';
import { openTableAccount, startAzuriteTableServer, type TableAccount } from '../../support/azurite-table-server.js';
import { startFaultProxy } from '../../support/fault-proxy.js';
import { createRecordingLog } from '../../support/recording-log.js';
import { describeKeyValueStore } from '../describe-key-value-store.js';

const partition = 'events|A|1';
const all = { from: '-', before: '~~' };
const COLUMN_LENGTH = 30 * 1024;

const takes = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms));

describe('table', () => {
  let account: TableAccount;
  let tableName: string;
  let tableCount = 0;
  beforeAll(async () => {
    account = await openTableAccount();
  });
  beforeEach(() => {
    tableCount += 1;
    tableName = `Values${tableCount}`;
  });

  const openTable = async (name: string, connectionString = account.connectionString): Promise<KeyValueStore> =>
    new SplitValueStore(await openTableStore({ access: { connectionString }, tableName: name }), TABLE_LIMITS);
  const open = () => openTable(tableName);
  describeKeyValueStore('table', () => openTable('Contract'), {
    openSecond: () => openTable('Contract'),
    timeoutMs: 60_000,
    propertyRuns: 10,
  });

  it.each([
    ['column', COLUMN_LENGTH],
    ['row', TABLE_LIMITS.maxValueLength],
    ['second row', 2 * TABLE_LIMITS.maxValueLength],
  ])('keeps a character intact that crosses the end of a %s', async (_what, end) => {
    const store = await open();
    const values = [-16, -15, -14, -3, -2, -1, 0, 1].map((offset) => `${'a'.repeat(end + offset)}😀b`);
    const changes = values.map((value, index) => ({ key: `k|${index}`, value }));
    await store.commit(partition, { key: 'k|0', tag: undefined }, changes);
    const found = await store.readMany(
      partition,
      changes.map(({ key }) => key),
    );
    expect(changes.map(({ key, value }) => found.get(key)?.value === value)).toEqual(changes.map(() => true));
  });

  it('commits once if the response is lost and the request is retried', async () => {
    const proxy = await startFaultProxy(account.port);
    onTestFinished(() => proxy.close());
    const store = await openTable(tableName, account.connectionStringThrough(proxy.port));
    const first = await store.commit(partition, { key: 'head', tag: undefined }, [{ key: 'head', value: '1' }]);
    await proxy.setFault({ kind: 'lose-answers', count: 1 });
    const second = await store.commit(partition, { key: 'head', tag: first }, [
      { key: 'head', value: '2' },
      { key: 'a', value: 'a' },
    ]);
    expect(proxy.lostAnswers).toBe(1);
    expect(second).toBe((await store.read({ partition, key: 'head' }))?.tag);
    expect(await store.commit(partition, { key: 'head', tag: first }, [{ key: 'head', value: '3' }])).toBeUndefined();
    expect(await store.commit(partition, { key: 'head', tag: second }, [{ key: 'head', value: '3' }])).toBeDefined();
  });

  it('recreates a key whose removal was interrupted', async () => {
    const service = await openTableStore({ access: { connectionString: account.connectionString }, tableName });
    const deleteEntity = vi.spyOn(TableClient.prototype, 'deleteEntity').mockRejectedValueOnce(new Error('cut off'));
    onTestFinished(() => deleteEntity.mockRestore());
    const key = 'head';
    const tag = await service.commit(partition, { key, tag: undefined }, [{ key, value: '1' }]);
    await expect(service.commit(partition, { key, tag }, [{ key, value: undefined }])).rejects.toThrow('cut off');
    expect(await service.read({ partition, key })).toBeUndefined();
    expect(await service.readRange(partition, all, 10)).toEqual([]);
    expect(await service.commit(partition, { key, tag: undefined }, [{ key, value: '2' }])).toBeDefined();
    expect((await service.read({ partition, key }))?.value).toBe('2');
  });

  it('uses a table with the former default name if it exists, with a warning', async () => {
    const log = createRecordingLog();
    const access = { connectionString: account.connectionString };
    const openDefault = () => openTableStore({ access, tableName, formerTableName: 'Former', log });
    const change = [{ key: 'head', value: '1' }];
    const store = await openDefault();
    await store.commit(partition, { key: 'head', tag: undefined }, change);
    expect(log.lines).toEqual([]);
    await openTableStore({ access, tableName: 'Former' });
    const former = await openDefault();
    expect(await former.read({ partition, key: 'head' })).toBeUndefined();
    expect(log.lines).toEqual([expect.stringMatching(/^warn The table Former exists.*set CALLBACK_TABLE_NAME/)]);
  });

  it('lets several processes remove a range at once', async () => {
    const stores = [await open(), await open(), await open()];
    for (let batch = 0; batch < 4; batch += 1) {
      const changes = Array.from({ length: 90 }, (_, index) => ({ key: `k|${batch}|${index}`, value: 'x' }));
      await stores[0]?.commit(partition, { key: `k|${batch}|0`, tag: undefined }, changes);
    }
    await Promise.all(stores.map((store) => store.removeRange(partition, all)));
    expect(await stores[0]?.readRange(partition, all, 10)).toEqual([]);
  });

  it('rejects each request while the service is unreachable', async () => {
    const proxy = await startFaultProxy(account.port);
    onTestFinished(() => proxy.close());
    const store = await openTable(tableName, account.connectionStringThrough(proxy.port));
    const address = { partition, key: 'head' };
    await store.commit(partition, { key: 'head', tag: undefined }, [{ key: 'head', value: '1' }]);
    for (const fault of [{ kind: 'black-hole' }, { kind: 'refuse' }, { kind: 'answer', status: 503 }] as const) {
      await proxy.setFault(fault);
      const requests = [store.read(address), store.readRange(partition, all, 1), store.ping()];
      const answers = await Promise.allSettled(requests);
      expect(answers.map(({ status }) => status)).toEqual(requests.map(() => 'rejected'));
    }
    await proxy.setFault({ kind: 'none' });
    expect((await store.read(address))?.value).toBe('1');
  }, 60_000);

  it('recreates its table if the service has lost it', async () => {
    const azurite = await startAzuriteTableServer();
    onTestFinished(() => azurite.close());
    const store = await openTable(tableName, azurite.newAccount().connectionString);
    const change = [{ key: 'head', value: '1' }];
    await store.commit(partition, { key: 'head', tag: undefined }, change);
    await azurite.stop();
    await azurite.start();
    expect(await store.read({ partition, key: 'head' })).toBeUndefined();
    expect(await store.commit(partition, { key: 'head', tag: undefined }, change)).toBeDefined();
  });
});

describe('table, if the service is slow', () => {
  const TOO_LATE = 'Timed out after 3000 ms.';
  const access = { connectionString: 'UseDevelopmentStorage=true' };

  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  it('limits the time of a request, including the creation of the table', async () => {
    const createTable = vi.spyOn(TableClient.prototype, 'createTable').mockResolvedValue();
    const store = await openTableStore({ access, tableName: 'Values' });
    createTable.mockImplementation(() => takes(2000));
    vi.spyOn(TableClient.prototype, 'getEntity').mockImplementation(async () => {
      await takes(2000);
      throw new RestError('There is no such table.', { code: 'TableNotFound', statusCode: 404 });
    });
    const request = store.read({ partition, key: 'a' });
    await Promise.all([expect(request).rejects.toThrow(TOO_LATE), vi.advanceTimersByTimeAsync(3000)]);
  });

  it('gives up on a service that never responds', async () => {
    vi.spyOn(TableClient.prototype, 'createTable').mockImplementation(() => new Promise(() => {}));
    const opening = openTableStore({ access, tableName: 'Values' });
    await Promise.all([expect(opening).rejects.toThrow(TOO_LATE), vi.advanceTimersByTimeAsync(3000)]);
  });
});
