import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DurableEventStore } from '../../../../src/audit/store/durable/durable-event-store.js';
import { writerFor } from '../../../support/append-events.js';
import { finalEvent, runId, streamEvent, thread } from '../../../support/callback-events.js';
import { MemoryStoreAdapter } from '../../../support/memory-event-storage.js';
import { readSequences, readTexts } from '../contract/read-thread.js';

function openStore(storage: MemoryStoreAdapter): DurableEventStore {
  return new DurableEventStore('table', async () => storage);
}

describe('DurableCallbackEventStore', () => {
  let storage: MemoryStoreAdapter;
  let store: DurableEventStore;

  beforeEach(() => {
    storage = new MemoryStoreAdapter();
    store = openStore(storage);
  });

  afterEach(() => store.close());

  describe('and a service that lets go what is too old', () => {
    beforeEach(async () => {
      await writerFor(store, thread, 1).stream('a', 'b', 'c');
      await writerFor(store, thread, 2).stream('d', 'e');
    });

    it('begins with what is left', async () => {
      storage.expireEvents(thread, 3);
      expect(await readSequences(store, thread)).toEqual([3, 4, 5]);
      expect(await readSequences(store, thread, { limit: 2 })).toEqual([3, 4]);
      expect((await store.list(thread)).head).toMatchObject({ oldestSequence: 3, newestSequence: 5 });
    });

    it.each([
      [1, true, [4, 5]],
      [2, true, [4, 5]],
      [3, false, [4, 5]],
      [4, false, [5]],
    ])('resets who stands at %i before a gap: %s', async (sequence, reset, left) => {
      storage.expireEvents(thread, 4);
      const page = await store.list(thread, { after: { sequence } });
      expect(page.reset).toBe(reset);
      expect(page.events.map((event) => event.sequence)).toEqual(left);
    });

    it('resets a reader once when nothing is left', async () => {
      const { next } = await store.list(thread, { limit: 2 });
      storage.expireEvents(thread, 6);
      const page = await store.list(thread, { after: next });
      expect(page).toMatchObject({ events: [], reset: true, next: { sequence: 0 } });
      expect(await store.list(thread, { after: page.next })).toMatchObject({ events: [], reset: false });
      await writerFor(store, thread, 3).stream('f');
      expect(await readSequences(store, thread, { after: page.next })).toEqual([6]);
    });

    it('serves events whose run is gone, as those of an unknown one with their latest attempt', async () => {
      storage.expireRuns(thread);
      const { events, runs } = await store.list(thread);
      expect(events).toHaveLength(5);
      expect(runs.get(runId(1))).toEqual({
        correlationId: runId(1),
        requestMessage: '',
        acceptedAt: '',
        attempts: [{ attempt: 1, token: '', startedAt: '', eventCount: 0, lostEvents: 0 }],
      });
    });

    it('begins another record when the thread is gone, also for who was writing', async () => {
      const writer = writerFor(store, thread, 3);
      await writer.stream('f');
      const { next } = await store.list(thread);
      storage.expireThread(thread);
      expect(await writer.stream('g')).toEqual({ status: 'kept', lostEvents: 1 });
      const page = await store.list(thread, { after: next });
      expect(page).toMatchObject({ reset: true, events: [{ sequence: 1, fields: streamEvent('g').fields }] });
    });
  });

  describe('and events that are to be dropped by their age', () => {
    beforeEach(async () => {
      await writerFor(store, thread, 1).append(streamEvent('a', at(1)), finalEvent('a', at(2)));
      await writerFor(store, thread, 2).append(streamEvent('b', at(3)), streamEvent('c', at(4)));
    });

    it.each([
      [at(0), [1, 2, 3, 4]],
      [at(1), [1, 2, 3, 4]],
      [at(2), [2, 3, 4]],
      [at(4), [4]],
      [at(5), []],
    ])('drops those from before %s', async (cutoff, left) => {
      const page = await store.list(thread);
      await store.dropEventsBefore(thread, cutoff);
      await store.dropEventsBefore(thread, cutoff);
      expect(await readSequences(store, thread)).toEqual(left);
      expect(storage.eventCount).toBe(left.length);
      expect((await store.list(thread, { after: { sequence: 1 } })).reset).toBe(left[0] !== 1);
      const changed = await store.list(thread);
      expect(changed.head?.version === page.head?.version).toBe(left.length === 4);
    });

    it('lets an attempt go on', async () => {
      const writer = writerFor(store, thread, 3);
      await writer.append(streamEvent('d', at(5)));
      await openStore(storage).dropEventsBefore(thread, at(9));
      expect(await writer.append(streamEvent('e', at(9)))).toEqual({ status: 'kept', lostEvents: 0 });
      expect(await readSequences(store, thread)).toEqual([6]);
      expect(await writer.read()).toMatchObject({ attempts: [{ eventCount: 2 }] });
    });

    it('does nothing to a thread that is unknown, or was cleared, or begins another record meanwhile', async () => {
      await store.dropEventsBefore({ ...thread, threadId: 'unknown' }, at(9));
      storage.hooks.beforeCommit = async () => {
        storage.hooks.beforeCommit = undefined;
        storage.expireThread(thread);
        await writerFor(openStore(storage)).append(streamEvent('new', at(1)));
      };
      await store.dropEventsBefore(thread, at(9));
      expect(await readTexts(store, thread)).toEqual(['new']);
      await store.clear(thread);
      await store.dropEventsBefore(thread, at(9));
      expect(await readSequences(store, thread)).toEqual([]);
    });

    it('reads more than one page of what is to go', async () => {
      const writer = writerFor(store, thread, 3);
      for (let count = 0; count < 25; count += 1) {
        await writer.append(...Array.from({ length: 50 }, () => streamEvent('x', at(5))));
      }
      await writer.append(streamEvent('y', at(6)));
      await store.dropEventsBefore(thread, at(6));
      expect(await readTexts(store, thread)).toEqual(['y']);
    });
  });
});

function at(second: number): string {
  return `2026-01-07T15:40:0${second}.000Z`;
}
