import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ZodError } from 'zod';
import type { CallbackEventStore } from '../../../../src/audit/store/callback-event-store.js';
import { DurableEventStore } from '../../../../src/audit/store/durable/durable-event-store.js';
import { StorageError } from '../../../../src/storage/storage-error.js';
import type { NewEvent } from '../../../../src/audit/domain/stored-event.js';
import type { KeyRange, StoredValue } from '../../../../src/storage/key-value-store.js';
import { writerFor } from '../../../support/append-events.js';
import { finalEvent, runId, runOf, streamEvent, thread } from '../../../support/callback-events.js';
import { partitionOf } from '../../../support/durable-event-store.js';
import { MemoryService, type StorageRead } from '../../../support/memory-service.js';
import { setFaults } from '../../../support/storage-faults.js';
import { describeCallbackEventStore, describeSharedEventStore } from '../callback-event-store-contract.js';
import { expectLawfulPage, readSequences, readTexts } from '../contract/read-thread.js';
import { describeStoreHistories } from '../store-histories.js';

function openStore(storage = new MemoryService()): DurableEventStore {
  return new DurableEventStore('table', storage);
}

/** Overwrites a row of the thread. */
async function spoil(storage: MemoryService, key: string, value: string): Promise<void> {
  const partition = partitionOf(thread);
  const tag = (await storage.read({ partition, key }))?.tag;
  await storage.commit(partition, { key, tag }, [{ key, value }]);
}

/** Does not report changes of other processes. */
class SilentStorage extends MemoryService {
  override readonly follow = () => () => undefined;
}

/** Starts to clear a thread during its first read: the newest batch is gone, the others are still there. */
class StorageThatLosesTheEndFirst extends MemoryService {
  #isCleared = false;

  override async readRange(partition: string, range: KeyRange, limit: number): Promise<readonly StoredValue[]> {
    const found = await super.readRange(partition, range, limit);
    if (!range.from.startsWith('event|')) return found;
    if (!this.#isCleared) {
      this.#isCleared = true;
      await openStore(this).clear(thread);
    }
    return found.slice(0, -1);
  }

  /** Removes nothing, as if the removal were still in progress at the end of the test. */
  override async removeRange(): Promise<void> {}
}

describeCallbackEventStore('DurableEventStore', () => openStore());

describeSharedEventStore('DurableEventStore', () => {
  const storage = new MemoryService();
  return [openStore(storage), openStore(storage)];
});

describeStoreHistories(
  'DurableEventStore',
  () => {
    const storage = new MemoryService();
    return {
      stores: [openStore(storage), openStore(storage)],
      setFaults: (faults) => setFaults(storage, faults),
    };
  },
  { numRuns: 100 },
);

describe('DurableEventStore', () => {
  let storage: MemoryService;
  let store: DurableEventStore;

  beforeEach(() => {
    storage = new MemoryService();
    store = openStore(storage);
  });

  afterEach(() => store.close());

  describe('and its service', () => {
    it.each<[string, (failing: CallbackEventStore) => Promise<unknown>]>([
      ['beginning', (failing) => failing.beginAttempt(thread, runOf(), 'one', runOf().acceptedAt)],
      ['appending', (failing) => failing.append({ ...attempt, token: 'another' }, 0, [streamEvent()])],
      ['reading a head', (failing) => failing.readHead(thread)],
      ['reading a run', (failing) => failing.readRun(thread, runId(1))],
      ['listing', (failing) => failing.list(thread)],
      ['clearing', (failing) => failing.clear(thread)],
    ])('reports it as unreachable, with the cause, if %s fails', async (_what, call) => {
      const cause = new Error('The line is cut.');
      storage.hooks.beforeRead = () => {
        throw cause;
      };
      await expect(call(openStore(storage))).rejects.toMatchObject({ name: StorageError.name, cause });
    });

    it('reports it as unreachable if a write fails', async () => {
      storage.hooks.beforeCommit = () => {
        throw new Error('The line is cut.');
      };
      await expect(writerFor(store).begin()).rejects.toThrow(StorageError);
      expect(await store.list(thread)).toMatchObject({ events: [], reset: false });
    });

    it('finds out whether a write succeeded whose response was lost', async () => {
      const writer = writerFor(store);
      await writer.stream('a');
      setFaults(storage, [{ delayTurns: 0, failure: 'after' as const }].values());
      await expect(writer.appendAt(1, streamEvent('b'), streamEvent('c'))).rejects.toThrow(StorageError);
      expect(await writer.appendAt(1, streamEvent('b'), streamEvent('c'), finalEvent('abc'))).toEqual({
        status: 'kept',
        lostEvents: 0,
      });
      expect(await readTexts(store, thread)).toEqual(['a', 'b', 'c', 'abc']);
    });

    describe('with an unreadable row', () => {
      it.each<[string, (epoch: string) => string, string]>([
        ['the head', () => 'head', '{"epoch":"abcd1234"}'],
        ['the head', () => 'head', 'no JSON'],
        ['a run', (epoch) => `run|${epoch}|${runId(1)}`, '{}'],
        ['a batch of events', () => 'event|000000000000001', '{"events":[{}]}'],
      ])('fails with the cause, and not as unreachable: %s', async (_what, key, value) => {
        await writerFor(store).stream('a');
        await spoil(storage, key((await store.readHead(thread))?.epoch ?? ''), value);
        await expect(openStore(storage).list(thread)).rejects.toThrow(ZodError);
      });

      it('discards the thread on a clear, unless the service is unreachable', async () => {
        await writerFor(store).stream('a');
        await spoil(storage, 'head', '{}');
        const other = openStore(storage);
        storage.hooks.beforeRead = () => {
          throw new Error('The line is cut.');
        };
        await expect(other.clear(thread)).rejects.toThrow(StorageError);
        storage.hooks.beforeRead = undefined;
        await other.clear(thread);
        expect(await storage.keys(partitionOf(thread))).toEqual([]);
        await writerFor(other).stream('b');
        expect(await readSequences(other, thread)).toEqual([1]);
      });
    });

    it('does not report a programming error as unreachable', async () => {
      const writer = writerFor(store);
      await writer.begin();
      const wrong: NewEvent[] = JSON.parse('[null]');
      await expect(writer.append(...wrong)).rejects.toThrow(TypeError);
    });

    it('gives up on a read whose thread keeps changing', async () => {
      const other = openStore(storage);
      await writerFor(other).stream('a');
      const change = async (read: StorageRead): Promise<void> => {
        storage.hooks.beforeRead = undefined;
        if (read === 'events') await other.clear(thread).then(() => writerFor(other).stream('a'));
        storage.hooks.beforeRead = change;
      };
      storage.hooks.beforeRead = change;
      await expect(store.list(thread)).rejects.toThrow(StorageError);
    });

    it('retries for seconds while other processes always win, and then gives up', async () => {
      const other = openStore(storage);
      let isOther = false;
      storage.hooks.beforeCommit = async () => {
        if (isOther) return;
        isOther = true;
        await writerFor(other, thread, 2).begin();
        isOther = false;
      };
      await expect(writerFor(store).begin()).rejects.toMatchObject({
        name: StorageError.name,
        cause: { message: expect.stringContaining('kept changing thread') },
      });
      expect(storage.conflictCount).toBeGreaterThan(20);
    });
  });

  it('wakes waiting readers in its own process at once, without the service', async () => {
    const silent = openStore(new SilentStorage());
    const changed = silent.waitForChange(thread, undefined, new AbortController().signal);
    await writerFor(silent).begin();
    expect(await changed).toBe(true);
  });

  describe('and its cost', () => {
    it('makes one write per append and no read for an attempt without competitors', async () => {
      const writer = writerFor(store);
      await writer.begin();
      const reads = { ...storage.reads };
      const before = storage.commitCount;
      for (let count = 0; count < 10; count += 1) await writer.stream('a', 'b', 'c');
      await writer.final();
      expect(storage.reads).toEqual(reads);
      expect(storage.commitCount - before).toBe(11);
    });

    it('keeps nothing in memory for an ended attempt', async () => {
      const writer = writerFor(store);
      await writer.final();
      const { head } = storage.reads;
      await writerFor(store, thread, 2).begin();
      expect(storage.reads.head).toBe(head + 1);
    });

    it('reads once for simultaneous equal reads', async () => {
      await writerFor(store).stream('a', 'b');
      const { head, events } = storage.reads;
      const pages = await Promise.all([1, 2, 3].map(() => store.list(thread, { after: { sequence: 1 } })));
      await store.list(thread, { after: { sequence: 1 } });
      expect(new Set(pages).size).toBe(1);
      expect(storage.reads).toMatchObject({ head: head + 2, events: events + 2 });
    });

    it('reads no events if there are none to read', async () => {
      await writerFor(store).stream('a', 'b');
      const { events } = storage.reads;
      await store.list(thread, { after: { sequence: 2 } });
      expect(storage.reads.events).toBe(events);
    });

    it('frees the rows of cleared threads', async () => {
      const writer = writerFor(store);
      await writer.stream('a', 'b');
      await writerFor(store, thread, 2).begin();
      await store.clear(thread);
      expect(await storage.keys(partitionOf(thread))).toEqual(['head']);
      await writer.stream('c');
      const epoch = (await store.readHead(thread))?.epoch;
      const ofRun = `${epoch}|${runId(1)}`;
      expect(await storage.keys(partitionOf(thread))).toEqual([
        'event|000000000000003',
        'head',
        `message|${ofRun}`,
        `run|${ofRun}`,
      ]);
    });
  });

  describe('and a thread that changes during a read', () => {
    it.each(['events', 'runs'] as const)(
      'returns the remaining events if it is cleared before its %s are read',
      async (what) => {
        const other = openStore(storage);
        const writer = writerFor(other);
        await writer.stream('a', 'b', 'c');
        let isCleared = false;
        storage.hooks.beforeRead = async (read) => {
          if (read !== what || isCleared) return;
          isCleared = true;
          await other.clear(thread);
          await writer.stream('d');
        };
        const page = await store.list(thread, { after: { sequence: 2 } });
        expectLawfulPage(page, thread, { after: { sequence: 2 } });
        expect(page).toMatchObject({ reset: true, events: [{ sequence: 4 }] });
      },
    );

    it('returns no part of it if the last rows are removed first', async () => {
      const halved = new StorageThatLosesTheEndFirst();
      const writer = writerFor(openStore(halved));
      for (const text of ['a', 'b', 'c', 'd']) await writer.stream(text);
      const page = await openStore(halved).list(thread);
      expectLawfulPage(page, thread);
      expect(page.events).toEqual([]);
    });

    it('leaves newer events to the next page', async () => {
      const other = openStore(storage);
      const writer = writerFor(other);
      await writer.stream('a');
      let isAdded = false;
      storage.hooks.beforeRead = async (read) => {
        if (read !== 'events' || isAdded) return;
        isAdded = true;
        await writer.stream('b');
      };
      const page = await store.list(thread);
      expectLawfulPage(page, thread);
      expect(page.next.sequence).toBe(1);
      expect(await readSequences(store, thread, { after: page.next })).toEqual([2]);
    });
  });
});

const attempt = { thread, run: runOf(), attempt: 1, token: 'one', startedAt: runOf().acceptedAt };
