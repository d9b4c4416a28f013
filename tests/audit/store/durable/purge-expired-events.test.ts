import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { EventThread } from '../../../../src/audit/domain/event-thread.js';
import { DurableEventStore } from '../../../../src/audit/store/durable/durable-event-store.js';
import { purgeExpiredEvents } from '../../../../src/audit/store/durable/purge-expired-events.js';
import type { IndexedThread } from '../../../../src/audit/store/durable/retention-index.js';
import { RunWriter, writerFor } from '../../../support/append-events.js';
import { finalEvent, runOf, streamEvent } from '../../../support/callback-events.js';
import { partitionOf } from '../../../support/durable-event-store.js';
import { MemoryService } from '../../../support/memory-service.js';
import { createRecordingLog } from '../../../support/recording-log.js';
import { readSequences, readTexts } from '../contract/read-thread.js';

const DAY_MS = 86_400_000;
const TTL_DAYS = 30;
const cutoffOf = (now: Date): string => new Date(now.getTime() - TTL_DAYS * DAY_MS).toISOString();

describe('purgeExpiredEvents', () => {
  let values: MemoryService;
  let store: DurableEventStore;
  const thread: EventThread = { agentName: 'CallbackAgent', threadId: 'thread-1' };
  /** An epoch contains its start time, so tests write now and purge days later. */
  const today = new Date();
  const inDays = (days: number): Date => new Date(today.getTime() + days * DAY_MS);
  const at = (days: number): string => inDays(days).toISOString();

  beforeEach(() => {
    values = new MemoryService();
    store = openStore();
  });

  const openStore = (): DurableEventStore => {
    const opened = new DurableEventStore('table', values);
    onTestFinished(() => opened.close());
    return opened;
  };
  const options = { signal: new AbortController().signal };
  const purge = async (now: Date, signal = options.signal) => {
    const log = createRecordingLog();
    await purgeExpiredEvents({ ...options, store: openStore(), cutoff: cutoffOf(now), signal, log });
    return log;
  };
  /** A run with an event on each of the given days. The last event is its answer. */
  const keepRun = async (of: EventThread, number: number, days: readonly number[]): Promise<void> => {
    const startedAt = at(days[0] ?? 0);
    const writer = new RunWriter(store, of, { ...runOf(number), acceptedAt: startedAt }, undefined, startedAt);
    await writer.append(...days.slice(0, -1).map((day) => streamEvent(`${number} on day ${day}`, at(day))));
    await writer.append(finalEvent(`${number} on day ${days.at(-1)}`, at(days.at(-1) ?? 0)));
  };
  const keysOf = (of: EventThread) => values.keys(partitionOf(of));
  const indexedDays = async (): Promise<string[]> =>
    (await values.keys('event-retention')).map((key) => key.split('|')[0] ?? '');

  it('drops the old events of a thread, and the runs without newer events', async () => {
    await keepRun(thread, 1, [-40, -39]);
    await keepRun(thread, 2, [-35, -5]);
    await keepRun(thread, 3, [-4, -3]);
    await purge(today);
    expect(await readTexts(store, thread)).toEqual(['2 on day -5', '3 on day -4', '3 on day -3']);
    const epoch = (await store.readHead(thread))?.epoch;
    expect(await keysOf(thread)).toEqual([
      ...[4, 5, 6].map((sequence) => `event|${String(sequence).padStart(15, '0')}`),
      'head',
      ...[2, 3].map((number) => `message|${epoch}|${runOf(number).correlationId}`),
      ...[2, 3].map((number) => `run|${epoch}|${runOf(number).correlationId}`),
    ]);
    expect((await store.readHead(thread))?.totals).toBeDefined();
  });

  it('drops part of an append', async () => {
    const writer = writerFor(store, thread);
    await writer.append(...[-40, -35, -5, -4].map((day) => streamEvent(`day ${day}`, at(day))));
    await purge(today);
    const page = await store.list(thread, { after: { sequence: 1 } });
    expect(page).toMatchObject({ reset: true, events: [{ sequence: 3 }, { sequence: 4 }] });
    expect(await readSequences(store, thread)).toEqual([3, 4]);
    expect(await writer.stream('more')).toEqual({ status: 'kept', lostEvents: 0 });
    expect(await readSequences(store, thread)).toEqual([3, 4, 5]);
  });

  it('drops more events than fit into one page', async () => {
    const writer = writerFor(store, thread);
    for (let count = 0; count < 25; count += 1) {
      await writer.append(...Array.from({ length: 50 }, () => streamEvent('x', at(-31))));
    }
    await writer.append(streamEvent('y', at(-1)));
    await purge(today);
    expect(await readTexts(store, thread)).toEqual(['y']);
  });

  it('removes a thread without newer events, so that it restarts at 1', async () => {
    await keepRun(thread, 1, [-1, 0]);
    const before = await store.list(thread);
    await purge(inDays(40));
    expect(await keysOf(thread)).toEqual([]);
    expect(await indexedDays()).toEqual([]);
    expect(await store.list(thread, { after: before.next })).toMatchObject({ events: [], reset: true });
    await writerFor(store, thread, 2).final('again');
    const after = await store.list(thread);
    expect(after.events).toMatchObject([{ sequence: 1 }]);
    expect(after.head?.epoch).not.toBe(before.head?.epoch);
    expect(await indexedDays()).toHaveLength(1);
  });

  it('does not touch threads without expired events, of any agent', async () => {
    const other = { agentName: 'OtherAgent', threadId: 'thread-1' };
    for (const of of [thread, other]) await keepRun(of, 1, [-20, -19]);
    const before = [await keysOf(thread), await keysOf(other)];
    await purge(inDays(5));
    expect([await keysOf(thread), await keysOf(other)]).toEqual(before);
    await purge(inDays(12));
    expect([await readTexts(store, thread), await readTexts(store, other)]).toEqual([[], []]);
  });

  it('keeps a thread with a newer run, even if that has no events yet', async () => {
    await keepRun(thread, 1, [-40, -39]);
    await new RunWriter(store, thread, { ...runOf(2), acceptedAt: at(20) }, undefined, at(20)).begin();
    await purge(inDays(40));
    expect(await readTexts(store, thread)).toEqual([]);
    await keepRun(thread, 2, [41, 42]);
    expect(await readSequences(store, thread)).toEqual([3, 4]);
  });

  it('keeps a run that another process starts while its thread is removed', async () => {
    await keepRun(thread, 1, [0, 0]);
    values.hooks.beforeCommit = async (changes) => {
      if (changes.every(({ value }) => value !== undefined)) return;
      values.hooks.beforeCommit = undefined;
      await keepRun(thread, 2, [40, 40]);
    };
    await purge(inDays(40));
    expect(await readTexts(store, thread)).toEqual(['2 on day 40', '2 on day 40']);
    expect(await indexedDays()).toHaveLength(1);
  });

  it('removes a thread whose last clear is old', async () => {
    await keepRun(thread, 1, [-3, -2]);
    await store.clear(thread);
    await purge(inDays(29));
    expect(await keysOf(thread)).toEqual(['head']);
    await purge(inDays(31));
    expect(await keysOf(thread)).toEqual([]);
  });

  it('purges the other threads if one fails, and fails afterwards', async () => {
    const others = ['a', 'b', 'c'].map((threadId) => ({ agentName: 'CallbackAgent', threadId }));
    for (const of of others) await keepRun(of, 1, [-40, -5]);
    const failing = {
      threadsFromBefore: (time: string) => store.threadsFromBefore(time),
      dropExpiredEvents: (indexed: IndexedThread, cutoff: string) =>
        indexed.thread.threadId === 'b'
          ? Promise.reject(new Error('The service is busy.'))
          : store.dropExpiredEvents(indexed, cutoff),
    };
    const log = createRecordingLog();
    const purging = purgeExpiredEvents({ ...options, store: failing, cutoff: cutoffOf(today), log });
    await expect(purging).rejects.toThrow('1 threads could not be purged');
    const counts = await Promise.all(others.map(async (of) => (await readTexts(store, of)).length));
    expect(counts).toEqual([1, 2, 1]);
  });

  it('does not reread a thread whose old events are gone', async () => {
    await keepRun({ ...thread, threadId: 'old' }, 1, [-40, -5]);
    await keepRun({ ...thread, threadId: 'young' }, 1, [-6, -5]);
    await purge(today);
    expect((await indexedDays()).toSorted()).toEqual([at(-6), at(-5)]);
    const reads = { ...values.reads };
    const log = await purge(inDays(1));
    expect(values.reads).toEqual(reads);
    expect(log.lines).toEqual([expect.stringContaining('trimmed 0 threads and removed 0')]);
  });

  it('stops after its time limit, and the next purge continues', async () => {
    const threads = Array.from({ length: 12 }, (_, index) => ({ ...thread, threadId: `thread-${index}` }));
    for (const of of threads) await keepRun(of, 1, [-40, -39]);
    const ending = new AbortController();
    values.hooks.beforeCommit = () => ending.abort();
    const log = await purge(inDays(40), ending.signal);
    expect(log.lines).toEqual([expect.stringContaining('the next purge continues')]);
    const left = (await indexedDays()).length;
    expect(left).toBeLessThan(threads.length);
    expect(left).toBeGreaterThan(0);
    await purge(inDays(40));
    expect(await indexedDays()).toEqual([]);
  });
});
