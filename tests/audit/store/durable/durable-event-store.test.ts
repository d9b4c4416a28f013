import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ZodError } from 'zod';
import type { CallbackEventStore } from '../../../../src/audit/store/callback-event-store.js';
import { DurableEventStore } from '../../../../src/audit/store/durable/durable-event-store.js';
import { StorageError, StoreSetupError } from '../../../../src/storage/storage-error.js';
import type { StoredEvent, NewEvent } from '../../../../src/audit/domain/stored-event.js';
import type { FollowThread } from '../../../../src/audit/store/thread-watchers.js';
import { writerFor } from '../../../support/append-events.js';
import { finalEvent, runId, runOf, streamEvent, thread } from '../../../support/callback-events.js';
import { MemoryStoreAdapter } from '../../../support/memory-event-storage.js';
import { createRecordingLog } from '../../../support/recording-log.js';
import { setFaults } from '../../../support/storage-faults.js';
import { describeCallbackEventStore } from '../callback-event-store-contract.js';
import { expectLawfulPage, readSequences, readTexts } from '../contract/read-thread.js';
import { describeStoreHistories } from '../store-histories.js';

function openStore(storage = new MemoryStoreAdapter()): DurableEventStore {
  return new DurableEventStore('table', async () => storage);
}

/** Opens the storage, after it has failed to do so as often as it is said. */
function createOpener(storage: MemoryStoreAdapter, failureCount = 0) {
  let opened = 0;
  const open = async (): Promise<MemoryStoreAdapter> => {
    opened += 1;
    if (opened <= failureCount) throw new Error('Nobody listens.');
    return storage;
  };
  return { open, openCount: () => opened };
}

/** Tells nobody what other processes do. */
class SilentStorage extends MemoryStoreAdapter {
  override readonly follow: FollowThread = () => () => undefined;
}

/** Its threads are cleared while they are read for the first time: half of their events are gone, and the runs stay. */
class StorageThatLosesTheEndFirst extends MemoryStoreAdapter {
  #left: number | undefined;

  override async readEvents(...asked: Parameters<MemoryStoreAdapter['readEvents']>): Promise<StoredEvent[]> {
    const events = await super.readEvents(...asked);
    if (this.#left === undefined) {
      this.#left = Math.ceil(events.length / 2);
      await openStore(this).clear(asked[0]);
    }
    const left = this.#left;
    return events.filter(({ sequence }) => sequence <= left);
  }

  /** Goes on for longer than the test. */
  override async removeUnreachable(): Promise<void> {}
}

describeCallbackEventStore('DurableCallbackEventStore', () => openStore(), {
  createPair: () => {
    const storage = new MemoryStoreAdapter();
    return [openStore(storage), openStore(storage)];
  },
});

describeStoreHistories(
  'DurableCallbackEventStore',
  () => {
    const storage = new MemoryStoreAdapter();
    return {
      stores: [openStore(storage), openStore(storage)],
      isListExact: true,
      setFaults: (faults) => setFaults(storage, faults),
    };
  },
  { numRuns: 100 },
);

describe('DurableCallbackEventStore', () => {
  let storage: MemoryStoreAdapter;
  let store: DurableEventStore;

  beforeEach(() => {
    storage = new MemoryStoreAdapter();
    store = openStore(storage);
  });

  afterEach(() => store.close());

  describe('and the service', () => {
    it('connects once, with the first request', async () => {
      const { open, openCount } = createOpener(storage);
      const lazy = new DurableEventStore('redis', open);
      expect(lazy.kind).toBe('redis');
      expect(openCount()).toBe(0);
      await Promise.all([lazy.ping(), lazy.list(thread), writerFor(lazy).begin()]);
      expect(openCount()).toBe(1);
      await lazy.close();
      expect(storage.closeCount).toBe(1);
    });

    it('does not connect to be closed', async () => {
      const { open, openCount } = createOpener(storage);
      await new DurableEventStore('redis', open).close();
      expect(openCount()).toBe(0);
    });

    it('connects again with the next request when it could not', async () => {
      const { open, openCount } = createOpener(storage, 1);
      const lazy = new DurableEventStore('cosmos', open);
      await expect(lazy.ping()).rejects.toThrow(StorageError);
      await lazy.ping();
      expect(openCount()).toBe(2);
    });

    it('goes on to tell those who wait when it could not connect at first', async () => {
      const lazy = new DurableEventStore('cosmos', createOpener(storage, 1).open);
      const changed = lazy.waitForChange(thread, undefined, new AbortController().signal);
      await writerFor(store).begin();
      expect(await changed).toBe(true);
      await lazy.close();
    });

    it.each<[string, (failing: CallbackEventStore) => Promise<unknown>]>([
      ['accepting', (failing) => failing.acceptRun(thread, runOf())],
      ['beginning', (failing) => failing.beginAttempt(thread, runOf(), 'one', runOf().acceptedAt)],
      ['appending', (failing) => failing.append({ ...attempt, token: 'another' }, 0, [streamEvent()])],
      ['reading a head', (failing) => failing.readHead(thread)],
      ['reading a run', (failing) => failing.readRun(thread, runId(1))],
      ['listing', (failing) => failing.list(thread)],
      ['clearing', (failing) => failing.clear(thread)],
      ['dropping', (failing) => (failing as DurableEventStore).dropEventsBefore(thread, '2026')],
    ])('says that it cannot be reached when %s fails, with the cause', async (_what, call) => {
      const cause = new Error('The line is cut.');
      storage.hooks.beforeRead = () => {
        throw cause;
      };
      const failure = call(openStore(storage));
      await expect(failure).rejects.toThrow(StorageError);
      await expect(failure).rejects.toMatchObject({ name: StorageError.name, cause });
    });

    it('says that it cannot be reached when a write fails', async () => {
      storage.hooks.beforeCommit = () => {
        throw new Error('The line is cut.');
      };
      await expect(writerFor(store).begin()).rejects.toThrow(StorageError);
      expect(await store.list(thread)).toMatchObject({ events: [], reset: false });
    });

    it('finds out by itself what became of a write whose answer was lost', async () => {
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

    it('does not take a record that cannot be read for a service that cannot be reached', async () => {
      const error = new ZodError([]);
      storage.hooks.beforeRead = () => {
        throw error;
      };
      await expect(store.list(thread)).rejects.toBe(error);
      await expect(writerFor(store).begin()).rejects.toBe(error);
    });

    it('forgets a thread that is cleared and whose head cannot be read, but not one that cannot be reached', async () => {
      await writerFor(store).stream('a');
      const other = openStore(storage);
      storage.hooks.beforeRead = () => {
        throw new Error('The line is cut.');
      };
      await expect(other.clear(thread)).rejects.toThrow(StorageError);
      storage.hooks.beforeRead = () => {
        throw new ZodError([]);
      };
      await other.clear(thread);
      storage.hooks.beforeRead = undefined;
      expect(await storage.readHead(thread)).toBeUndefined();
    });

    it('says once in a list which threads cannot be read', async () => {
      const log = createRecordingLog();
      const logging = new DurableEventStore('table', async () => storage, { log });
      vi.spyOn(storage, 'listThreads').mockResolvedValue({ threads: [], unreadable: ['one', 'two'] });
      expect(await logging.listThreads('CallbackAgent')).toEqual([]);
      expect(log.lines).toEqual([
        expect.stringMatching(/^warn \[CallbackAgent\] 2 threads are not listed, .*\(thread one\)$/),
      ]);
    });

    it('cannot be reached while its service is not as it has to be', async () => {
      const error = new StoreSetupError('The container has another partition key.');
      const unopened = new DurableEventStore('cosmos', () => Promise.reject(error));
      await expect(unopened.ping()).rejects.toThrow(StorageError);
      await expect(unopened.ping()).rejects.toMatchObject({ cause: error });
    });

    it('does not take a mistake of its own for a service that cannot be reached', async () => {
      const writer = writerFor(store);
      await writer.begin();
      const wrong: NewEvent[] = JSON.parse('[null]');
      await expect(writer.append(...wrong)).rejects.toThrow(TypeError);
    });

    it('gives up to read what changes each time', async () => {
      const other = openStore(storage);
      await writerFor(other).stream('a');
      storage.hooks.beforeRead = async (read) => {
        if (read === 'events') await other.clear(thread).then(() => writerFor(other).stream('a'));
      };
      await expect(store.list(thread)).rejects.toThrow(StorageError);
    });

    it('keeps trying for seconds when other processes are always quicker, and then gives up', async () => {
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

  it('wakes waiters in its own process at once, without the service', async () => {
    const silent = openStore(new SilentStorage());
    const changed = silent.waitForChange(thread, undefined, new AbortController().signal);
    await writerFor(silent).begin();
    expect(await changed).toBe(true);
  });

  describe('and what it costs', () => {
    it('reads nothing for an attempt that it writes alone, and makes one write for each append', async () => {
      const writer = writerFor(store);
      await writer.begin();
      const reads = { ...storage.reads };
      const before = storage.commitCount;
      for (let count = 0; count < 10; count += 1) await writer.stream('a', 'b', 'c');
      await writer.final();
      expect(storage.reads).toEqual(reads);
      expect(storage.commitCount - before).toBe(11);
    });

    it('remembers nothing of an attempt that has ended', async () => {
      const writer = writerFor(store);
      await writer.final();
      const { head } = storage.reads;
      await writerFor(store, thread, 2).accept();
      expect(storage.reads.head).toBe(head + 1);
    });

    it('reads once for readers who ask for the same at once', async () => {
      await writerFor(store).stream('a', 'b');
      const { head, events } = storage.reads;
      const pages = await Promise.all([1, 2, 3].map(() => store.list(thread, { after: { sequence: 1 } })));
      await store.list(thread, { after: { sequence: 1 } });
      expect(new Set(pages).size).toBe(1);
      expect(storage.reads).toMatchObject({ head: head + 2, events: events + 2 });
    });

    it('reads no events where there are none to read', async () => {
      await writerFor(store).stream('a', 'b');
      const { events } = storage.reads;
      await store.list(thread, { after: { sequence: 2 } });
      expect(storage.reads.events).toBe(events);
    });

    it('frees what was cleared', async () => {
      const writer = writerFor(store);
      await writer.stream('a', 'b');
      await writerFor(store, thread, 2).accept();
      await store.clear(thread);
      expect(storage).toMatchObject({ eventCount: 0, runCount: 0 });
      await writer.stream('c');
      expect(storage).toMatchObject({ eventCount: 1, runCount: 1 });
    });
  });

  describe('and a thread that changes while it is read', () => {
    it.each(['events', 'runs'] as const)(
      'gives what is kept when it is cleared before its %s are read',
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

    it('gives no piece of it when the end of what was cleared is removed first', async () => {
      const halved = new StorageThatLosesTheEndFirst();
      await writerFor(openStore(halved)).stream('a', 'b', 'c', 'd');
      const page = await openStore(halved).list(thread);
      expectLawfulPage(page, thread);
      expect(page.events).toEqual([]);
    });

    it('leaves what is added meanwhile to the next page', async () => {
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
