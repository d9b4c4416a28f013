import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ZodError } from 'zod';
import type { EventThread } from '../../../../src/audit/domain/event-thread.js';
import { MAX_APPENDED_EVENTS } from '../../../../src/audit/store/callback-event-store.js';
import { DurableEventStore } from '../../../../src/audit/store/durable/durable-event-store.js';
import { StorageError } from '../../../../src/storage/storage-error.js';
import type { StoredEvent } from '../../../../src/audit/domain/stored-event.js';
import type { ThreadChange } from '../../../../src/audit/domain/thread-changes.js';
import { openTableStoreAdapter, TableStoreAdapter } from '../../../../src/audit/store/table/table-store-adapter.js';
import { eventsBefore } from '../../../../src/audit/store/table/table-keys.js';
import { RunWriter, writerFor } from '../../../support/append-events.js';
import { type AzuriteTableServer, startAzuriteTableServer } from '../../../support/azurite-table-server.js';
import { runOf, streamEvent } from '../../../support/callback-events.js';
import { startFaultProxy } from '../../../support/fault-proxy.js';
import {
  allKeys,
  openTableRows,
  openTableStorageForTest,
  openTableStoreForTest,
} from '../../../support/open-table-for-test.js';
import { describeCallbackEventStore } from '../callback-event-store-contract.js';
import { describeStoreHistories } from '../store-histories.js';
import { range } from '../contract/contract-context.js';
import { readTexts } from '../contract/read-thread.js';

const COLUMN_LENGTH = 30 * 1024;
const ROW_LENGTH = 15 * COLUMN_LENGTH;

const event = (sequence: number, text = `${sequence}`): StoredEvent => {
  const { timestamp, eventType, fields } = streamEvent(text);
  return { sequence, correlationId: runOf().correlationId, attempt: 1, timestamp, eventType, fields };
};
const changeTo = (version: number, events: readonly StoredEvent[], isNewMessage = version === 1): ThreadChange => {
  const newestSequence = events.at(-1)?.sequence ?? 0;
  return {
    head: { epoch: 'abcd1234', version, oldestSequence: 1, newestSequence },
    run: { ...runOf(), attempts: [] },
    isNewMessage,
    events,
  };
};

describe('table', () => {
  let azurite: AzuriteTableServer;
  let tableName: string;
  let tables = 0;
  const thread: EventThread = { agentName: 'CallbackAgent', threadId: 'thread-1' };
  beforeAll(async () => {
    azurite = await startAzuriteTableServer({ isDeep: true });
  });
  beforeEach(() => {
    tables += 1;
    tableName = `Events${tables}`;
  });
  afterAll(() => azurite.close());

  const createStore = (): DurableEventStore =>
    new DurableEventStore('table', () =>
      openTableStoreAdapter({ access: { connectionString: azurite.connectionString }, tableName }),
    );
  describeCallbackEventStore('TableEventStorage', createStore, {
    createPair: () => [createStore(), createStore()],
    timeoutMs: 60_000,
  });
  describeStoreHistories('two table stores', () => ({ stores: [createStore(), createStore()], isListExact: false }), {
    numRuns: 5,
  });

  const openStorage = () => openTableStorageForTest(azurite.connectionString, tableName);
  const openStore = () => openTableStoreForTest(azurite.connectionString, tableName);
  const openRows = () => openTableRows(azurite.connectionString, tableName);

  describe('its rows', () => {
    it('stand in a partition for each thread, and in the list of the agent', async () => {
      const store = openStore();
      const writer = writerFor(store, thread);
      await writer.stream('a', 'b');
      await writer.final('ab');
      expect(await allKeys(await openRows())).toEqual([
        'CallbackAgent thread-1',
        'CallbackAgent|thread-1 e|000000000000001',
        'CallbackAgent|thread-1 e|000000000000002',
        'CallbackAgent|thread-1 e|000000000000003',
        'CallbackAgent|thread-1 head',
        `CallbackAgent|thread-1 r|${(await store.readHead(thread))?.epoch}|00000000000000000000000000000001`,
      ]);
    });

    it('are the head alone when the thread was cleared, however long its texts were', async () => {
      const store = openStore();
      const long = 'long '.repeat(200_000);
      const writer = new RunWriter(store, thread, { ...runOf(), requestMessage: long });
      await writer.stream('a', long, 'b');
      await writer.final(long);
      expect(await allKeys(await openRows())).toHaveLength(7 + 3 * 3);
      await store.clear(thread);
      expect(await allKeys(await openRows())).toEqual(['CallbackAgent thread-1', 'CallbackAgent|thread-1 head']);
      expect(await store.listThreads('CallbackAgent')).toEqual([]);
    });

    it('of a commit that was cut off half-way do no harm, and go when the thread is cleared', async () => {
      const store = openStore();
      const rows = await openRows();
      const leftBehind = {
        partitionKey: 'CallbackAgent|thread-1',
        rowKey: 'p|000000000000001|0123456789abcdef|000000',
        text0: 'of a dead writer',
      };
      await rows.put(leftBehind, undefined);
      const long = 'long '.repeat(200_000);
      await writerFor(store, thread).stream(long);
      expect(await readTexts(store, thread)).toEqual([long]);
      await store.clear(thread);
      expect(await allKeys(rows)).toEqual(['CallbackAgent thread-1', 'CallbackAgent|thread-1 head']);
    });

    it('hold all ids that there can be, and tell them apart', async () => {
      const store = openStore();
      const characters = 'AZaz09._~:@=+-'.split('');
      const threadIds = [...characters.filter((one) => one !== '.'), ...characters.map((one) => `a${one}${one}b`)];
      const agentNames = ['A', 'a', 'A_1-x', 'A_1-', `L${'o'.repeat(63)}`];
      const threads = [
        ...threadIds.map((threadId) => ({ agentName: 'A', threadId })),
        ...agentNames.map((agentName) => ({ agentName, threadId: 'x'.repeat(128) })),
      ];
      for (const of of threads) await writerFor(store, of).final(`${of.agentName} ${of.threadId}`);
      for (const of of threads) expect(await readTexts(store, of)).toEqual([`${of.agentName} ${of.threadId}`]);
      for (const agentName of agentNames) {
        const listed = (await store.listThreads(agentName)).map(({ threadId }) => threadId);
        const expected = threads.filter((of) => of.agentName === agentName).map(({ threadId }) => threadId);
        expect(listed.toSorted()).toEqual(expected.toSorted());
      }
    });
  });

  describe('its texts', () => {
    it.each([10, 1000, 100_000, 1_000_000, 5 * 1024 * 1024])('of %i bytes are kept whole', async (bytes) => {
      const store = openStore();
      const texts = ['a', '.😀', '\u0001'].map((unit) => unit.repeat(Math.ceil(bytes / 3 / Buffer.byteLength(unit))));
      const text = texts.join('');
      const writer = new RunWriter(store, thread, { ...runOf(), requestMessage: text });
      await writer.stream(text, 'b');
      const { events, runs } = await store.list(thread);
      expect(events.map(({ fields }) => fields === streamEvent(text).fields)).toEqual([true, false]);
      expect(runs.get(writer.run.correlationId)?.requestMessage === text).toBe(true);
    });

    it.each([
      ['column', COLUMN_LENGTH],
      ['row', ROW_LENGTH],
      ['second row', 2 * ROW_LENGTH],
    ])('are whole when a character stands at the end of a %s', async (_what, end) => {
      const store = openStore();
      const writer = writerFor(store, thread);
      const lengthBefore = streamEvent('').fields.indexOf('""') + 1;
      const texts = [-3, -2, -1, 0, 1].map((offset) => `${'a'.repeat(end - lengthBefore + offset)}😀b`);
      await writer.stream(...texts);
      const kept = await readTexts(store, thread);
      expect(kept.map((text, index) => text === texts[index])).toEqual(texts.map(() => true));
    });
  });

  describe('a commit', () => {
    it('of as many events as there may be is one, and they are found from each of them on', async () => {
      const storage = await openStorage();
      const all = range(MAX_APPENDED_EVENTS + 1).map((sequence) => event(sequence));
      const tag = await storage.commit(thread, undefined, changeTo(1, all.slice(0, -1)));
      await storage.commit(thread, tag, changeTo(2, all.slice(-1)));
      for (const first of [1, 2, 50, 51, 52, MAX_APPENDED_EVENTS, MAX_APPENDED_EVENTS + 1, MAX_APPENDED_EVENTS + 2]) {
        expect(await storage.readEvents(thread, first, 40)).toEqual(all.slice(first - 1, first + 39));
      }
      expect(await storage.readEvents(thread, 2, 1000)).toEqual(all.slice(1));
    });

    it('to another version of the head changes nothing', async () => {
      const storage = await openStorage();
      const rows = await openRows();
      const first = await storage.commit(thread, undefined, changeTo(1, [event(1)]));
      const second = await storage.commit(thread, first, changeTo(2, [event(2)]));
      const before = await allKeys(rows);
      expect(await storage.commit(thread, undefined, changeTo(3, [event(3)]))).toBeUndefined();
      expect(await storage.commit(thread, first, changeTo(3, [event(3)]))).toBeUndefined();
      expect(await storage.commit(thread, first, changeTo(3, [event(3, 'long '.repeat(200_000))]))).toBeUndefined();
      expect(await storage.readHead(thread)).toMatchObject({ head: { version: 2 }, tag: second });
      expect(await allKeys(rows)).toEqual(before);
      expect(await storage.commit(thread, second, changeTo(3, [event(3)]))).toBeTypeOf('string');
    });

    it('to a run that was removed meanwhile changes nothing', async () => {
      const storage = await openStorage();
      const rows = await openRows();
      const tag = await storage.commit(thread, undefined, changeTo(1, [event(1)]));
      const run = await rows.get('CallbackAgent|thread-1', `r|abcd1234|${runOf().correlationId}`);
      await rows.remove(
        { partitionKey: 'CallbackAgent|thread-1', rowKey: `r|abcd1234|${runOf().correlationId}` },
        run?.etag ?? '',
      );
      expect(await storage.commit(thread, tag, changeTo(2, [event(2)]))).toBeUndefined();
      expect(await storage.readHead(thread)).toMatchObject({ head: { version: 1 }, tag });
      expect(await storage.commit(thread, tag, changeTo(2, [event(2)], true))).toBeTypeOf('string');
    });

    it('whose answer is lost is not done twice, and loses no part of a long text', async () => {
      const proxy = await startFaultProxy(azurite.port);
      try {
        const connectionString = azurite.connectionStringThrough(proxy.port);
        const rows = await openTableRows(connectionString, tableName);
        const storage = new TableStoreAdapter(rows);
        const tag = await storage.commit(thread, undefined, changeTo(1, []));
        const long = 'long '.repeat(200_000);
        const apply = rows.apply.bind(rows);
        rows.apply = async (actions) => {
          const isWhole = actions[0]?.[1].rowKey === 'head';
          if (isWhole) await proxy.setFault({ kind: 'lose-answers', count: 1 });
          return apply(actions);
        };
        // It is sent again, and finds a conflict with itself.
        expect(await storage.commit(thread, tag, changeTo(2, [event(1, long)]))).toBeUndefined();
        expect(proxy.lostAnswers).toBe(1);
        rows.apply = apply;
        const stored = await storage.readHead(thread);
        expect(stored?.head.version).toBe(2);
        expect(await storage.readEvents(thread, 1, 10)).toEqual([event(1, long)]);
        expect(await storage.commit(thread, tag, changeTo(2, [event(1)]))).toBeUndefined();
        expect(await storage.commit(thread, stored?.tag, changeTo(3, [event(2)]))).toBeTypeOf('string');
      } finally {
        await proxy.close();
      }
    });
  });

  describe('what its head no longer reaches', () => {
    it('is removed, but for runs whose events are kept in part', async () => {
      const store = openStore();
      const storage = await openStorage();
      const ended = writerFor(store, thread, 1);
      await ended.stream('a', 'b');
      await ended.final('ab');
      const cutOff = writerFor(store, thread, 2);
      await cutOff.stream('c');
      const endedLater = writerFor(store, thread, 3);
      await endedLater.stream('d');
      await endedLater.final('d');
      const newest = writerFor(store, thread, 4);
      await newest.stream('e');
      const stored = await storage.readHead(thread);
      if (stored === undefined) throw new Error('The thread is unknown.');
      const head = { ...stored.head, version: stored.head.version + 1, oldestSequence: 6 };
      await storage.commit(thread, stored.tag, { head, isNewMessage: false, events: [] });
      await storage.removeUnreachable(thread, head);
      const ids = [ended, cutOff, endedLater, newest].map(({ run }) => run.correlationId);
      const runs = await storage.readRuns(thread, head.epoch, ids);
      expect(runs.map(({ correlationId }) => correlationId).toSorted()).toEqual(ids.slice(2));
      expect(await readTexts(store, thread)).toEqual(['d', 'e']);
    });

    it('is passed over by whoever looks for the first events that are left, however much it was', async () => {
      const storage = await openStorage();
      const events = range(50).map((sequence) => event(sequence));
      await storage.commit(thread, undefined, changeTo(1, events));
      const { head } = (await storage.readHead(thread)) ?? {};
      if (head === undefined) throw new Error('The thread is unknown.');
      await storage.removeUnreachable(thread, { ...head, oldestSequence: 41 });
      expect(await storage.readEvents(thread, 1, 1)).toEqual([event(41)]);
      expect(await storage.readEvents(thread, 20, 5)).toEqual(range(5).map((offset) => event(40 + offset)));
      expect(await storage.readEvents(thread, 38, 5)).toEqual(range(5).map((offset) => event(40 + offset)));
      expect(await storage.readEvents(thread, 1, 1000)).toEqual(events.slice(40));
    });

    it('can be removed by several at once', async () => {
      const store = openStore();
      const storage = await openStorage();
      const writer = writerFor(store, thread);
      for (const batch of range(6)) await writer.stream(...range(50).map((number) => `${batch} ${number}`));
      await Promise.all([store.clear(thread), openStore().clear(thread), store.clear(thread)]);
      const { head } = (await storage.readHead(thread)) ?? {};
      if (head === undefined) throw new Error('The thread is unknown.');
      await Promise.all(range(3).map(() => storage.removeUnreachable(thread, head)));
      expect(await allKeys(await openRows())).toEqual(['CallbackAgent thread-1', 'CallbackAgent|thread-1 head']);
    });

    it('is removed whole though somebody else has removed a part of it first', async () => {
      const storage = await openStorage();
      const rows = await openRows();
      await storage.commit(
        thread,
        undefined,
        changeTo(
          1,
          range(5).map((sequence) => event(sequence)),
        ),
      );
      const removeAll = rows.removeAll.bind(rows);
      rows.removeAll = async (found) => {
        rows.removeAll = removeAll;
        await removeAll(found.slice(2, 3));
        return removeAll(found);
      };
      await rows.removeRange('CallbackAgent|thread-1', eventsBefore(5));
      expect(await storage.readEvents(thread, 1, 10)).toEqual([event(5)]);
    });
  });

  describe('many runs', () => {
    it('are found, whether few or all of them are asked for', async () => {
      const store = openStore();
      const storage = await openStorage();
      for (const number of range(120)) await writerFor(store, thread, number).accept();
      const ids = range(120).map((number) => runOf(number).correlationId);
      const epoch = (await storage.readHead(thread))?.head.epoch ?? '';
      const few = await storage.readRuns(thread, epoch, [...ids.slice(7, 9), 'unknown']);
      expect(few.map(({ correlationId }) => correlationId).toSorted()).toEqual(ids.slice(7, 9));
      const all = await storage.readRuns(thread, epoch, ids);
      expect(all.map(({ correlationId }) => correlationId).toSorted()).toEqual(ids);
      expect(all.every(({ requestMessage }) => requestMessage === runOf().requestMessage)).toBe(true);
      expect(await storage.readRuns(thread, 'another', ids)).toEqual([]);
    });
  });

  describe('a row that somebody else has written', () => {
    it.each([
      ['head', () => 'head', { head: '{"epoch":"abcd1234"}' }],
      [
        'an event',
        () => 'e|000000000000001',
        { correlationId: runOf().correlationId, attempt: '1', madeAt: '', eventType: 'stream' },
      ],
      ['a run', (epoch: string) => `r|${epoch}|${runOf().correlationId}`, { run: '{}' }],
    ])('fails those who read it, %s', async (_what, rowKeyIn, columns) => {
      const store = openStore();
      await writerFor(store, thread).stream('a');
      const rowKey = rowKeyIn((await store.readHead(thread))?.epoch ?? '');
      const rows = await openRows();
      const row = await rows.get('CallbackAgent|thread-1', rowKey);
      await rows.put({ partitionKey: 'CallbackAgent|thread-1', rowKey, ...columns }, row?.etag);
      await expect(store.list(thread)).rejects.toThrow(ZodError);
    });

    it.each(['{}', 'no JSON'])('does not spoil the list of threads: %s', async (totals) => {
      const store = openStore();
      const rows = await openRows();
      const other = { ...thread, threadId: 'thread-2' };
      await writerFor(store, other).final();
      expect(await store.listThreads('CallbackAgent')).toMatchObject([other]);
      const row = { partitionKey: 'CallbackAgent', rowKey: 'thread-1', epoch: 'abcd1234', eventCount: 1, totals };
      await rows.put(row, undefined);
      expect(await store.listThreads('CallbackAgent')).toMatchObject([other]);
      await writerFor(store, thread).final();
      expect(await store.listThreads('CallbackAgent')).toHaveLength(2);
    });

    it('goes with all that is kept of its thread when that is cleared', async () => {
      const store = openStore();
      const [first, second] = [writerFor(store, thread, 1), writerFor(store, thread, 2)];
      await first.final('a'.repeat(1_200_000));
      await second.final();
      expect(await store.listThreads('CallbackAgent')).toHaveLength(1);
      const rows = await openRows();
      const head = await rows.get('CallbackAgent|thread-1', 'head');
      await rows.put({ partitionKey: 'CallbackAgent|thread-1', rowKey: 'head' }, head?.etag);
      await store.clear(thread);
      expect(await allKeys(rows)).toEqual([]);
      await second.final();
      expect((await store.list(thread)).events).toMatchObject([{ sequence: 1 }]);
    });
  });

  describe('a service that is not there', () => {
    it('fails each request, and never looks like an empty thread', async () => {
      const proxy = await startFaultProxy(azurite.port);
      try {
        const store = openTableStoreForTest(azurite.connectionStringThrough(proxy.port), tableName);
        await writerFor(store, thread).stream('a');
        for (const fault of [{ kind: 'black-hole' }, { kind: 'refuse' }, { kind: 'answer', status: 503 }] as const) {
          await proxy.setFault(fault);
          const answers = await Promise.allSettled([
            store.list(thread),
            store.readRun(thread, runOf().correlationId),
            store.listThreads('CallbackAgent'),
            store.ping(),
          ]);
          for (const answer of answers) expect(answer).toMatchObject({ reason: expect.any(StorageError) });
        }
        await proxy.setFault({ kind: 'none' });
        expect(await readTexts(store, thread)).toEqual(['a']);
      } finally {
        await proxy.close();
      }
    }, 60_000);

    it('has its table made again when it has lost it', async () => {
      const store = openStore();
      await writerFor(store, thread).stream('a');
      await azurite.stop();
      await azurite.start();
      expect(await readTexts(store, thread)).toEqual([]);
      await store.ping();
      await writerFor(store, thread).stream('b');
      expect(await readTexts(store, thread)).toEqual(['b']);
    });
  });
});
