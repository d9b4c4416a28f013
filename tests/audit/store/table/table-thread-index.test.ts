import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { EventThread } from '../../../../src/audit/domain/event-thread.js';
import { DurableEventStore } from '../../../../src/audit/store/durable/durable-event-store.js';
import { TableStoreAdapter } from '../../../../src/audit/store/table/table-store-adapter.js';
import type { TableRows } from '../../../../src/audit/store/table/table-rows.js';
import { TableThreadIndex } from '../../../../src/audit/store/table/table-thread-index.js';
import type { ThreadHead } from '../../../../src/audit/domain/thread-head.js';
import { writerFor } from '../../../support/append-events.js';
import { finalEvent } from '../../../support/callback-events.js';
import { type AzuriteTableServer, startAzuriteTableServer } from '../../../support/azurite-table-server.js';
import { openTableRows } from '../../../support/open-table-for-test.js';
import { range } from '../contract/contract-context.js';

const FIRST_AT = '2026-01-07T15:40:02.123Z';
const LAST_AT = '2026-01-07T15:41:02.123Z';
/** Longer than any test takes. */
const NEVER_MS = 600_000;

const headOf = (version: number, eventCount = version, epoch = 'abcd1234', runCount = 1): ThreadHead => ({
  epoch,
  version,
  oldestSequence: 1,
  newestSequence: eventCount,
  totals: {
    firstEventAt: FIRST_AT,
    lastEventAt: LAST_AT,
    lastEventType: 'stream',
    runCount,
    failedRunCount: 0,
    inputTokenCount: 0,
    outputTokenCount: 0,
    totalTokenCount: 0,
  },
});
const countsIn = async (index: TableThreadIndex): Promise<number[]> =>
  (await index.list('CallbackAgent')).threads.map(({ eventCount }) => eventCount);

describe('the list of threads in a table', () => {
  let azurite: AzuriteTableServer;
  let rows: TableRows;
  let tables = 0;
  const thread: EventThread = { agentName: 'CallbackAgent', threadId: 'thread-1' };
  beforeAll(async () => {
    azurite = await startAzuriteTableServer();
  });
  beforeEach(async () => {
    tables += 1;
    rows = await openTableRows(azurite.connectionString, `Index${tables}`);
  });
  afterAll(() => azurite.close());

  const openIndex = (intervalMs = NEVER_MS, maxRetryMs = intervalMs): TableThreadIndex => {
    const index = new TableThreadIndex(rows, { intervalMs, maxRetryMs });
    onTestFinished(() => index.close());
    return index;
  };
  const openStore = (index: TableThreadIndex): DurableEventStore =>
    new DurableEventStore('table', async () => new TableStoreAdapter(rows, index));

  it('has a thread when its run has ended, and has been cleared, at once', async () => {
    const index = openIndex();
    const store = openStore(index);
    const writer = writerFor(store, thread);
    await writer.stream('a');
    expect(await store.listThreads('CallbackAgent')).toEqual([]);
    await writer.final('a');
    expect(await store.listThreads('CallbackAgent')).toMatchObject([
      { ...thread, eventCount: 2, lastEventType: 'final', runCount: 1, totalTokenCount: 73 },
    ]);
    await writerFor(store, thread, 2).failed();
    expect(await store.listThreads('CallbackAgent')).toMatchObject([{ eventCount: 3, lastEventType: 'failed' }]);
    await store.clear(thread);
    expect(await store.listThreads('CallbackAgent')).toEqual([]);
  });

  it('follows a run that goes on within the interval, with one write for many changes', async () => {
    const index = openIndex(50);
    const store = openStore(index);
    const put = vi.spyOn(rows, 'put');
    const writer = writerFor(store, thread);
    const start = performance.now();
    for (const number of range(20)) await writer.stream(`${number}`);
    await expect.poll(() => store.listThreads('CallbackAgent')).toMatchObject([{ eventCount: 20 }]);
    const intervals = (performance.now() - start) / 50;
    expect(put.mock.calls.length).toBeLessThanOrEqual(intervals + 2);
  });

  it('is not written when nothing has changed that it holds', async () => {
    const index = openIndex(1);
    await index.noteNow(thread, headOf(1, 1));
    const put = vi.spyOn(rows, 'put');
    index.note(thread, headOf(2, 1));
    await index.close();
    expect(put).not.toHaveBeenCalled();
    index.note(thread, headOf(3, 2));
    await index.close();
    expect(put).toHaveBeenCalledTimes(1);
  });

  it('is written with one request, for a thread whose row was written here or that is in its first run', async () => {
    const index = openIndex();
    const requests = [vi.spyOn(rows, 'put'), vi.spyOn(rows, 'get')];
    for (const version of range(5)) await index.noteNow(thread, headOf(version));
    expect(requests.map(({ mock }) => mock.calls.length)).toEqual([5, 0]);
    expect(await countsIn(index)).toEqual([5]);
  });

  it('keeps the later of what two processes write, whoever is the last', async () => {
    const [one, other] = [openIndex(), openIndex()];
    await one.noteNow(thread, headOf(1));
    await other.noteNow(thread, headOf(3));
    await one.noteNow(thread, headOf(2));
    expect(await countsIn(one)).toEqual([3]);
    await one.noteNow(thread, headOf(4));
    expect(await countsIn(one)).toEqual([4]);
    await other.noteNow(thread, headOf(1, 7, 'another1', 2));
    expect(await countsIn(one)).toEqual([7]);
  });

  it('keeps the later of what one process notes, in whatever order', async () => {
    const index = openIndex(1);
    for (const version of [1, 3, 2]) index.note(thread, headOf(version));
    await index.close();
    expect(await countsIn(index)).toEqual([3]);
    await index.noteNow(thread, headOf(2));
    expect(await countsIn(index)).toEqual([3]);
    index.note(thread, headOf(1, 7, 'another1'));
    await index.close();
    expect(await countsIn(index)).toEqual([7]);
  });

  it.each<[string, () => undefined]>([
    [
      'fails',
      () => {
        throw new Error('The line is cut.');
      },
    ],
    // It was sent again, and found a conflict with itself.
    ['seems to find another version', () => undefined],
  ])('follows a commit whose answer is lost, so that it %s', async (_how, loseAnswer) => {
    const store = openStore(openIndex(20));
    const writer = writerFor(store, thread);
    await writer.begin();
    const apply = rows.apply.bind(rows);
    rows.apply = async (actions) => {
      rows.apply = apply;
      await apply(actions);
      return loseAnswer();
    };
    await writer.final('a').catch(() => writer.appendAt(0, finalEvent('a')));
    await expect.poll(() => store.listThreads('CallbackAgent')).toMatchObject([{ eventCount: 1 }]);
  });

  it('does not fail a commit that it cannot follow, and follows later', async () => {
    const index = openIndex(20);
    const store = openStore(index);
    const put = vi.spyOn(rows, 'put').mockRejectedValue(new Error('The service is busy.'));
    expect(await writerFor(store, thread).final('a')).toEqual({ status: 'kept', lostEvents: 0 });
    expect(await store.listThreads('CallbackAgent')).toEqual([]);
    put.mockRestore();
    await expect.poll(() => store.listThreads('CallbackAgent')).toMatchObject([{ eventCount: 1 }]);
  });

  it('writes what is still to be written when it is closed', async () => {
    const index = openIndex();
    index.note(thread, headOf(1));
    await index.close();
    expect(await countsIn(openIndex())).toEqual([1]);
  });

  it('finds the old threads of all agents, whatever their names begin with', async () => {
    const index = openIndex();
    const store = openStore(index);
    const names = ['A', 'A-', 'A-b', 'A0', 'AA', 'A_', 'Aa', 'a', 'Z'];
    for (const agentName of names) {
      for (const threadId of ['1', '~']) await writerFor(store, { agentName, threadId }).final(agentName);
    }
    const { totals: _, ...young } = headOf(1);
    await index.noteNow({ agentName: 'New', threadId: '1' }, young);
    const found: string[] = [];
    for await (const { agentName, threadId } of index.threadsFromBefore('2026-01-08')) found.push(agentName + threadId);
    expect(found).toEqual(names.toSorted().flatMap((name) => [`${name}1`, `${name}~`]));
    const none: EventThread[] = [];
    for await (const of of index.threadsFromBefore('2026-01-07')) none.push(of);
    expect(none).toEqual([]);
  });

  it('has more threads than a page of the service', async () => {
    const index = openIndex();
    const threadIds = range(1050).map((number) => `thread-${number}`);
    const partitionKey = 'CallbackAgent';
    const totals = JSON.stringify(headOf(1).totals);
    for (let from = 0; from < threadIds.length; from += 100) {
      const batch = threadIds.slice(from, from + 100);
      await rows.apply(
        batch.map((rowKey) => [
          'create',
          { partitionKey, rowKey, epoch: 'e', version: 1, eventCount: 1, totals, oldestAt: FIRST_AT },
        ]),
      );
    }
    const { threads } = await index.list(partitionKey);
    expect(threads.map(({ threadId }) => threadId).toSorted()).toEqual(threadIds.toSorted());
  });
});
