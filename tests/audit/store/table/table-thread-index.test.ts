import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { EventThread } from '../../../../src/audit/domain/event-thread.js';
import { DurableEventStore } from '../../../../src/audit/store/durable/durable-event-store.js';
import type { TableRows } from '../../../../src/audit/store/table/table-rows.js';
import { TableStoreAdapter } from '../../../../src/audit/store/table/table-store-adapter.js';
import { TableThreadIndex } from '../../../../src/audit/store/table/table-thread-index.js';
import { writerFor } from '../../../support/append-events.js';
import { type AzuriteTableServer, startAzuriteTableServer } from '../../../support/azurite-table-server.js';
import { finalEvent, runOf } from '../../../support/callback-events.js';
import { createGate } from '../../../support/gate.js';
import { openTableRows } from '../../../support/open-table-for-test.js';
import { range } from '../contract/contract-context.js';

const AGENT = 'CallbackAgent';

describe('the list of threads in a table', () => {
  let azurite: AzuriteTableServer;
  let rows: TableRows;
  let tables = 0;
  const thread: EventThread = { agentName: AGENT, threadId: 'thread-1' };
  beforeAll(async () => {
    azurite = await startAzuriteTableServer();
  });
  beforeEach(async () => {
    tables += 1;
    rows = await openTableRows(azurite.connectionString, `Index${tables}`);
  });
  afterAll(() => azurite.close());

  /** A store as another process has it: nothing is shared but the table. */
  const openStore = (of = rows): DurableEventStore => {
    const store = new DurableEventStore('table', async () => new TableStoreAdapter(of));
    onTestFinished(() => store.close());
    return store;
  };
  const rowsOfAnotherProcess = () => openTableRows(azurite.connectionString, `Index${tables}`);
  /** How often the list was written. */
  const countWrites = () => {
    const apply = vi.spyOn(rows, 'apply');
    return () => apply.mock.calls.filter(([actions]) => actions[0]?.[1].partitionKey === AGENT).length;
  };

  it('has a thread with its present size while a run writes to it, after its end, and not after a clear', async () => {
    const [store, other] = [openStore(), openStore(await rowsOfAnotherProcess())];
    const writer = writerFor(store, thread);
    await writer.begin();
    expect(await other.listThreads(AGENT)).toEqual([]);
    await writer.stream('a');
    expect(await other.listThreads(AGENT)).toMatchObject([{ ...thread, eventCount: 1, lastEventType: 'stream' }]);
    await writer.stream('b', 'c');
    expect(await other.listThreads(AGENT)).toMatchObject([{ ...thread, eventCount: 3, runCount: 1 }]);
    await writer.final('abc');
    expect(await other.listThreads(AGENT)).toMatchObject([
      { ...thread, eventCount: 4, lastEventType: 'final', runCount: 1, totalTokenCount: 73 },
    ]);
    await writerFor(store, thread, 2).failed();
    expect(await other.listThreads(AGENT)).toMatchObject([{ eventCount: 5, lastEventType: 'failed' }]);
    await other.clear(thread);
    expect(await store.listThreads(AGENT)).toEqual([]);
  });

  it('is written once when a run begins and once when it ends', async () => {
    const store = openStore();
    const writes = countWrites();
    for (const [number, expected] of [
      [1, [1, 1, 2]],
      [2, [3, 3, 4]],
    ] as const) {
      const writer = writerFor(store, thread, number);
      await writer.begin();
      const counts = [writes()];
      for (const text of ['a', 'b', 'c']) await writer.stream(text);
      counts.push(writes());
      await writer.final('abc');
      counts.push(writes());
      expect(counts).toEqual(expected);
    }
  });

  it('is not written again when a run begins that has just been accepted as the first of its thread', async () => {
    const store = openStore();
    const writes = countWrites();
    const writer = writerFor(store, thread);
    await writer.accept();
    await writer.begin();
    await writer.stream('a');
    expect(writes()).toBe(1);
  });

  it('needs no look at the head of a thread that no run writes to', async () => {
    const store = openStore();
    for (const threadId of ['1', '2', '3']) await writerFor(store, { ...thread, threadId }).final('a');
    await store.close();
    const get = vi.spyOn(rows, 'get');
    expect(await openStore().listThreads(AGENT)).toHaveLength(3);
    expect(get).not.toHaveBeenCalled();
  });

  it('has the present size of a thread that goes on after a clear by another process', async () => {
    const [store, other] = [openStore(), openStore(await rowsOfAnotherProcess())];
    const writer = writerFor(store, thread);
    await writer.stream('a', 'b');
    await other.clear(thread);
    await writer.stream('c');
    expect(await other.listThreads(AGENT)).toMatchObject([{ ...thread, eventCount: 1 }]);
  });

  it('has the present size of a run that begins before the end of the last one is noted by another process', async () => {
    const otherRows = await rowsOfAnotherProcess();
    const [store, other] = [openStore(), openStore(otherRows)];
    const gate = createGate();
    const apply = otherRows.apply.bind(otherRows);
    const isClosing = vi.fn<() => void>();
    otherRows.apply = async (actions) => {
      if ('closedVersion' in (actions[0]?.[1] ?? {})) {
        isClosing();
        await gate.opened;
      }
      return apply(actions);
    };
    await writerFor(other, thread, 1).final('a');
    expect(isClosing).toHaveBeenCalledOnce();
    const next = writerFor(store, thread, 2);
    await next.stream('b', 'c');
    gate.open();
    await other.close();
    expect(await store.listThreads(AGENT)).toMatchObject([{ eventCount: 3, lastEventType: 'stream' }]);
    await next.final('bc');
    await store.close();
    expect(await openStore().listThreads(AGENT)).toMatchObject([{ eventCount: 4, lastEventType: 'final' }]);
  });

  it('has the present size of a thread whose end could not be noted', async () => {
    const store = openStore();
    const writer = writerFor(store, thread);
    await writer.stream('a');
    const apply = rows.apply.bind(rows);
    rows.apply = (actions) =>
      actions[0]?.[1].partitionKey === AGENT ? Promise.reject(new Error('The service is busy.')) : apply(actions);
    expect(await writer.final('a')).toEqual({ status: 'kept', lostEvents: 0 });
    expect(await store.listThreads(AGENT)).toMatchObject([{ eventCount: 2, lastEventType: 'final' }]);
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
  ])(
    'has the present size of a thread after a commit whose answer is lost, so that it %s',
    async (_how, loseAnswer) => {
      const store = openStore();
      const writer = writerFor(store, thread);
      await writer.begin();
      const apply = rows.apply.bind(rows);
      rows.apply = async (actions) => {
        rows.apply = apply;
        await apply(actions);
        return loseAnswer();
      };
      await writer.final('a').catch(() => writer.appendAt(0, finalEvent('a')));
      expect(await store.listThreads(AGENT)).toMatchObject([{ eventCount: 1 }]);
    },
  );

  it('finds the old threads of all agents, whatever their names begin with', async () => {
    const store = openStore();
    const index = new TableThreadIndex(rows);
    const names = ['A', 'A-', 'A-b', 'A0', 'AA', 'A_', 'Aa', 'a', 'Z'];
    const { acceptedAt } = runOf();
    for (const agentName of names) {
      for (const threadId of ['1', '~']) await writerFor(store, { agentName, threadId }).final(agentName);
    }
    await store.acceptRun({ agentName: 'New', threadId: '1' }, { ...runOf(), acceptedAt: '2026-02-01T00:00:00.000Z' });
    const before = async (time: string): Promise<string[]> => {
      const found: string[] = [];
      for await (const { thread: of } of index.threadsFromBefore(time)) found.push(of.agentName + of.threadId);
      return found;
    };
    expect(await before('2026-01-08')).toEqual(names.toSorted().flatMap((name) => [`${name}1`, `${name}~`]));
    expect(await before(acceptedAt)).toEqual([]);
  });

  it('has more threads than a page of the service', async () => {
    const index = new TableThreadIndex(rows);
    const threadIds = range(1050).map((number) => `thread-${number}`);
    const store = openStore();
    await writerFor(store, thread).final('a');
    await store.close();
    const row = await rows.get(AGENT, thread.threadId);
    for (let from = 0; from < threadIds.length; from += 100) {
      const batch = threadIds.slice(from, from + 100);
      await rows.apply(batch.map((rowKey) => ['upsert', { ...row, partitionKey: AGENT, rowKey }, 'Replace']));
    }
    const { threads } = await index.list(AGENT);
    expect(threads.map(({ threadId }) => threadId).toSorted()).toEqual(threadIds.toSorted());
  });
});
