import { describe, expect, it } from 'vitest';
import { type EventCursor, START } from '../../../../src/audit/domain/event-cursor.js';
import { writerFor } from '../../../support/append-events.js';
import { type ContractContext, otherThreadOf, sameIdOtherAgent } from './contract-context.js';
import { readEvents, readSequences } from './read-thread.js';

/** Cursors of readers, including those whose events have been cleared. */
export function describeCursors(context: ContractContext): void {
  async function append(count: number): Promise<void> {
    const { store, thread } = context;
    await writerFor(store, thread).stream(...'abcdefgh'.slice(0, count).split(''));
  }

  describe('cursors', () => {
    it('returns the cursor of the last event in a page, so that pages follow without a gap', async () => {
      const { store, thread } = context;
      await append(5);
      const first = await store.list(thread, { limit: 2 });
      expect(first).toMatchObject({ reset: false, next: { sequence: 2 } });
      expect(await readSequences(store, thread, { after: first.next, limit: 2 })).toEqual([3, 4]);
      const last = await store.list(thread, { after: { ...first.next, sequence: 4 } });
      expect(last).toMatchObject({ events: [{ sequence: 5 }], next: { sequence: 5 } });
      const end = await store.list(thread, { after: last.next });
      expect(end).toMatchObject({ events: [], reset: false, next: last.next });
    });

    it('returns the head of a thread after its first change', async () => {
      const { store, thread } = context;
      const head = () => store.readHead(thread);
      expect(await head()).toBeUndefined();
      const writer = writerFor(store, thread);
      await writer.begin();
      const begun = await head();
      const epoch = expect.stringMatching(/^[0-9a-z]{1,32}$/);
      const newestAttempt = { correlationId: writer.run.correlationId, attempt: 1 };
      expect(begun).toMatchObject({ epoch, oldestSequence: 1, newestSequence: 0, newestAttempt });
      await writer.stream(...'abc'.split(''));
      const filled = await head();
      expect(filled).toMatchObject({ epoch: begun?.epoch, oldestSequence: 1, newestSequence: 3, newestAttempt });
      await store.clear(thread);
      const cleared = await head();
      expect(cleared).toMatchObject({ epoch, oldestSequence: 4, newestSequence: 3 });
      expect((cleared?.epoch ?? '') > (begun?.epoch ?? '')).toBe(true);
      expect(cleared?.newestAttempt).toBeUndefined();
      await writer.stream('d');
      const again = await head();
      expect(again).toMatchObject({ epoch: cleared?.epoch, oldestSequence: 4, newestSequence: 4, newestAttempt });
      expect((await store.list(thread)).head).toEqual(again);
      const versions = [begun, filled, cleared, again].map((known) => known?.version ?? 0);
      expect(versions).toEqual([...new Set(versions)].toSorted((one, other) => one - other));
    });

    it('has a separate epoch for each thread', async () => {
      const { store, thread } = context;
      const threads = [thread, otherThreadOf(thread), sameIdOtherAgent(thread)];
      for (const of of threads) await writerFor(store, of).stream('a');
      const pages = await Promise.all(threads.map((of) => store.list(of)));
      expect(new Set(pages.map(({ next }) => next.epoch)).size).toBe(3);
    });

    it.each<[string, EventCursor]>([
      ['of another epoch', { epoch: 'another', sequence: 2 }],
      ['of another epoch, at its first event', { epoch: 'another', sequence: 1 }],
      ['beyond the newest event', { sequence: 6 }],
    ])('resets a reader with a cursor %s, and returns the oldest events', async (_what, after) => {
      const { store, thread } = context;
      await append(5);
      const page = await store.list(thread, { after, limit: 2 });
      expect(page).toMatchObject({ reset: true, next: { epoch: page.head?.epoch, sequence: 2 } });
      expect(await readSequences(store, thread, { after, limit: 2 })).toEqual([1, 2]);
    });

    it('does not reset a reader with a cursor before the first event, of any epoch', async () => {
      const { store, thread } = context;
      await append(2);
      const after = { epoch: 'another', sequence: 0 };
      expect(await store.list(thread, { after })).toMatchObject({
        reset: false,
        events: [{ sequence: 1 }, { sequence: 2 }],
      });
    });

    it.each<[string, EventCursor]>([
      ['after an event', { sequence: 1 }],
      ['with an epoch', { epoch: 'another', sequence: 1 }],
    ])('resets a reader with a cursor %s if the thread is unknown', async (_what, after) => {
      const page = await context.store.list(context.thread, { after });
      expect(page).toMatchObject({ events: [], reset: true, next: START });
    });

    it.each([1, 2, 3])('resets a reader that has seen %i of 3 cleared events', async (seen) => {
      const { store, thread } = context;
      await append(3);
      const { next } = await store.list(thread, { limit: seen });
      await store.clear(thread);
      const reset = await store.list(thread, { after: next });
      expect(reset).toMatchObject({ events: [], reset: true, next: { epoch: reset.head?.epoch, sequence: 0 } });
      expect(reset.next.epoch).not.toBe(next.epoch);
      expect(await store.list(thread, { after: reset.next })).toMatchObject({ events: [], reset: false });
      await append(2);
      const both = [{ sequence: 4 }, { sequence: 5 }];
      expect(await store.list(thread, { after: next })).toMatchObject({ events: both, reset: true });
      expect(await store.list(thread, { after: reset.next })).toMatchObject({ events: both, reset: false });
    });

    it('does not reset a reader that had seen nothing before a clear', async () => {
      const { store, thread } = context;
      await append(3);
      await store.clear(thread);
      await append(1);
      expect(await store.list(thread, { after: START })).toMatchObject({ events: [{ sequence: 4 }], reset: false });
    });
  });

  describe('clearing', () => {
    it('continues the sequence after the removed events', async () => {
      const { store, thread } = context;
      await append(3);
      await store.clear(thread);
      expect(await readEvents(store, thread)).toEqual([]);
      await append(2);
      expect(await readSequences(store, thread)).toEqual([4, 5]);
      expect(await readSequences(store, thread, { after: { sequence: 4 }, limit: 1 })).toEqual([5]);
    });

    it('is idempotent, and works for an unknown thread', async () => {
      const { store, thread } = context;
      await store.clear(thread);
      await store.clear(thread);
      expect(await store.list(thread)).toMatchObject({ events: [], reset: false, next: START });
      await append(1);
      await store.clear(thread);
      await store.clear(thread);
      await append(1);
      expect(await readSequences(store, thread)).toEqual([2]);
    });

    it('removes the events and records of many runs', async () => {
      const { store, thread } = context;
      const writers = Array.from({ length: 12 }, (_, index) => writerFor(store, thread, index + 1));
      for (const writer of writers) {
        await writer.stream(...'abcdefghij'.split(''));
        await writer.final();
      }
      await store.clear(thread);
      const page = await store.list(thread);
      expect(page).toMatchObject({ events: [], reset: false });
      expect(page.runs.size).toBe(0);
      for (const writer of writers) expect(await writer.read()).toBeUndefined();
    });
  });
}
