import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { EventThread } from '../../../../src/audit/domain/event-thread.js';
import { DurableEventStore } from '../../../../src/audit/store/durable/durable-event-store.js';
import { purgeExpiredEvents } from '../../../../src/audit/store/table/purge-expired-events.js';
import { TableStoreAdapter } from '../../../../src/audit/store/table/table-store-adapter.js';
import type { TableRows } from '../../../../src/audit/store/table/table-rows.js';
import { RunWriter, writerFor } from '../../../support/append-events.js';
import { type AzuriteTableServer, startAzuriteTableServer } from '../../../support/azurite-table-server.js';
import { finalEvent, runOf, streamEvent } from '../../../support/callback-events.js';
import { allKeys, openTableRows } from '../../../support/open-table-for-test.js';
import { createRecordingLog } from '../../../support/recording-log.js';
import { readTexts } from '../contract/read-thread.js';

const DAY_MS = 86_400_000;
const TTL_DAYS = 30;

describe('purging a table', () => {
  let azurite: AzuriteTableServer;
  let rows: TableRows;
  let adapter: TableStoreAdapter;
  let store: DurableEventStore;
  let tables = 0;
  const thread: EventThread = { agentName: 'CallbackAgent', threadId: 'thread-1' };
  /** The service notes itself when a row was written: so tests write now, and purge in days to come. */
  const today = new Date();
  const inDays = (days: number): Date => new Date(today.getTime() + days * DAY_MS);
  const at = (days: number): string => inDays(days).toISOString();

  beforeAll(async () => {
    azurite = await startAzuriteTableServer();
  });
  beforeEach(async () => {
    tables += 1;
    rows = await openTableRows(azurite.connectionString, `Purge${tables}`);
    const opened = new TableStoreAdapter(rows);
    adapter = opened;
    store = new DurableEventStore('table', async () => opened);
    onTestFinished(() => store.close());
  });
  afterAll(() => azurite.close());

  const options = { ttlDays: TTL_DAYS, signal: new AbortController().signal };
  const purge = async (now: Date, signal = options.signal) => {
    const log = createRecordingLog();
    await purgeExpiredEvents({ ...options, store, adapter, now, signal, log });
    return log;
  };
  /** A run whose events were made on the given days, the last one its answer. */
  const keepRun = async (of: EventThread, number: number, days: readonly number[]): Promise<void> => {
    const writer = new RunWriter(
      store,
      of,
      { ...runOf(number), acceptedAt: at(days[0] ?? 0) },
      undefined,
      at(days[0] ?? 0),
    );
    await writer.append(...days.slice(0, -1).map((day) => streamEvent(`${number} on day ${day}`, at(day))));
    await writer.append(finalEvent(`${number} on day ${days.at(-1)}`, at(days.at(-1) ?? 0)));
  };

  it('keeps a run that another process begins while its thread is being removed', async () => {
    await keepRun(thread, 1, [0, 0]);
    const remove = rows.removeRange.bind(rows);
    let begun: Promise<void> | undefined;
    rows.removeRange = async (...range) => {
      begun ??= keepRun(thread, 2, [40, 40]);
      await begun;
      return remove(...range);
    };
    await purge(inDays(40));
    expect(await readTexts(store, thread)).toEqual(['2 on day 40', '2 on day 40']);
  });

  it('drops the old events of a thread, and the runs that have no others', async () => {
    await keepRun(thread, 1, [-40, -39]);
    await keepRun(thread, 2, [-35, -5]);
    await keepRun(thread, 3, [-4, -3]);
    await purge(today);
    expect(await readTexts(store, thread)).toEqual(['2 on day -5', '3 on day -4', '3 on day -3']);
    const epoch = (await store.readHead(thread))?.epoch;
    expect(await allKeys(rows)).toEqual([
      'CallbackAgent thread-1',
      ...[4, 5, 6].map((sequence) => `CallbackAgent|thread-1 e|${String(sequence).padStart(15, '0')}`),
      'CallbackAgent|thread-1 head',
      ...[2, 3].map((number) => `CallbackAgent|thread-1 r|${epoch}|${runOf(number).correlationId}`),
    ]);
    expect(await store.listThreads('CallbackAgent')).toMatchObject([{ eventCount: 3 }]);
  });

  it('removes a thread whole of which nothing is newer, and it begins again at 1', async () => {
    const long = 'long '.repeat(200_000);
    const writer = new RunWriter(store, thread, { ...runOf(), requestMessage: long });
    await writer.stream('a', long);
    await writer.final('b');
    const before = await store.list(thread);
    await purge(inDays(1));
    expect(await allKeys(rows)).toEqual([]);
    expect(await store.list(thread, { after: before.next })).toMatchObject({ events: [], reset: true });
    await writerFor(store, thread, 2).final('anew');
    const after = await store.list(thread);
    expect(after.events).toMatchObject([{ sequence: 1 }]);
    expect(after.head?.epoch).not.toBe(before.head?.epoch);
    expect(await store.listThreads('CallbackAgent')).toMatchObject([{ eventCount: 1 }]);
  });

  it('leaves alone what is not old enough, of all agents', async () => {
    const other = { agentName: 'OtherAgent', threadId: 'thread-1' };
    for (const of of [thread, other]) await keepRun(of, 1, [-20, -19]);
    const before = await allKeys(rows);
    await purge(inDays(5));
    expect(await allKeys(rows)).toEqual(before);
    await purge(inDays(12));
    expect(await allKeys(rows)).toEqual([]);
  });

  it('keeps a thread in which a run was accepted since, though it has no events yet', async () => {
    await keepRun(thread, 1, [-40, -39]);
    await new RunWriter(store, thread, { ...runOf(2), acceptedAt: at(-1) }).accept();
    await purge(inDays(1));
    expect(await readTexts(store, thread)).toEqual([]);
    expect(await store.readRun(thread, runOf(2).correlationId)).toMatchObject({ acceptedAt: at(-1) });
    await keepRun(thread, 2, [1, 2]);
    expect((await store.list(thread)).events.map(({ sequence }) => sequence)).toEqual([3, 4]);
  });

  it('keeps the head of a thread that was changed a moment ago, for the next time', async () => {
    await keepRun(thread, 1, [-40, -39]);
    await purge(today);
    expect((await allKeys(rows)).filter((key) => key.endsWith(' head'))).toHaveLength(1);
    expect(await readTexts(store, thread)).toEqual([]);
    await purge(inDays(1));
    expect(await allKeys(rows)).toEqual([]);
  });

  it('removes what is left of a thread that was cleared long ago', async () => {
    await keepRun(thread, 1, [-3, -2]);
    await store.clear(thread);
    await purge(inDays(29));
    expect(await allKeys(rows)).toHaveLength(2);
    await purge(inDays(31));
    expect(await allKeys(rows)).toEqual([]);
  });

  it('leaves a thread alone that somebody writes to meanwhile', async () => {
    await keepRun(thread, 1, [-40, -39]);
    const apply = rows.apply.bind(rows);
    rows.apply = async (actions) => {
      rows.apply = apply;
      // Somebody is quicker than the removal that was about to begin.
      await keepRun(thread, 2, [0, 1]);
      return apply(actions);
    };
    expect(await adapter.removeThread({ thread, tag: '' }, at(-30), inDays(1))).toBe(false);
    expect(await readTexts(store, thread)).toEqual(['1 on day -40', '1 on day -39', '2 on day 0', '2 on day 1']);
  });

  it('looks at all threads when one of them cannot be purged, and fails then', async () => {
    const others = ['a', 'b', 'c'].map((threadId) => ({ agentName: 'CallbackAgent', threadId }));
    for (const of of others) await keepRun(of, 1, [-40, -5]);
    const failing = {
      dropEventsBefore: (of: EventThread, cutoff: string) =>
        of.threadId === 'b' ? Promise.reject(new Error('The service is busy.')) : store.dropEventsBefore(of, cutoff),
    };
    const log = createRecordingLog();
    const purging = purgeExpiredEvents({ ...options, store: failing, adapter, now: today, log });
    await expect(purging).rejects.toThrow('1 threads could not be purged');
    const counts = (await store.listThreads('CallbackAgent')).map(
      ({ threadId, eventCount }) => `${threadId} ${eventCount}`,
    );
    expect(counts.toSorted()).toEqual(['a 1', 'b 2', 'c 1']);
  });

  it('does not look again at a thread whose old events are gone', async () => {
    const [old, young] = ['old', 'young'].map((threadId) => ({ ...thread, threadId }));
    if (old === undefined || young === undefined) throw new Error('There are two threads.');
    await keepRun(old, 1, [-40, -5]);
    await keepRun(young, 1, [-6, -5]);
    await store.close();
    await purge(today);
    expect(await readTexts(store, old)).toEqual(['1 on day -5']);
    const requests = [vi.spyOn(rows, 'get'), vi.spyOn(rows, 'list'), vi.spyOn(rows, 'apply')];
    const log = await purge(inDays(1));
    expect(requests.map(({ mock }) => mock.calls.length)).toEqual([0, 0, 0]);
    expect(log.lines).toEqual([expect.stringContaining('trimmed 0 threads and removed 0')]);
    await purge(inDays(40));
    expect(await allKeys(rows)).toEqual([]);
  });

  it('stops when its time is over, and the next purge does the rest', async () => {
    const threads = Array.from({ length: 12 }, (_, index) => ({ ...thread, threadId: `thread-${index}` }));
    for (const of of threads) await keepRun(of, 1, [-40, -39]);
    await store.close();
    const ending = new AbortController();
    const removeThread = adapter.removeThread.bind(adapter);
    vi.spyOn(adapter, 'removeThread').mockImplementation(async (...removal) => {
      ending.abort();
      return removeThread(...removal);
    });
    await purge(inDays(1), ending.signal);
    const left = (await store.listThreads('CallbackAgent')).length;
    expect(left).toBeLessThan(threads.length);
    expect(left).toBeGreaterThan(0);
    await purge(inDays(1));
    expect(await allKeys(rows)).toEqual([]);
  });
});
