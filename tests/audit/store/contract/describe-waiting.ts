import { describe, expect, it } from 'vitest';
import type { EventThread } from '../../../../src/audit/domain/event-thread.js';
import type { ThreadHead } from '../../../../src/audit/domain/thread-head.js';
import { writerFor } from '../../../support/append-events.js';
import { type ContractContext, otherThreadOf, range, sameIdOtherAgent } from './contract-context.js';
import { readSequences } from './read-thread.js';

/** One store waits for changes that are made through the other. */
export function describeWaiting(context: ContractContext): void {
  /** The head of a thread as a reader in the second store knows it. */
  async function recordOf(thread = context.thread): Promise<ThreadHead | undefined> {
    return (await context.second.list(thread, { limit: 1 })).head;
  }

  function wait(seen: ThreadHead | undefined, { thread = context.thread, signal = context.testEnd } = {}) {
    return context.second.waitForChange(thread, seen, signal);
  }

  describe('waiting for a change', () => {
    const changes: [string, () => Promise<unknown>][] = [
      ['an event is appended', () => writerFor(context.store, context.thread).stream('x')],
      ['an attempt is started', () => writerFor(context.store, context.thread).begin()],
      ['the thread is cleared', () => context.store.clear(context.thread)],
    ];

    it.each(changes)('ends when %s', async (_what, change) => {
      const { store, thread } = context;
      await writerFor(store, thread).stream('a', 'b');
      const changed = wait(await recordOf());
      await change();
      expect(await changed).toBe(true);
    });

    it.each(changes)('ends at once if %s before', async (_what, change) => {
      const { store, thread } = context;
      await writerFor(store, thread).stream('a', 'b');
      const seen = await recordOf();
      await change();
      expect(await wait(seen)).toBe(true);
    });

    it.each(changes.slice(0, 2))('for an unknown thread ends when %s', async (_what, change) => {
      const changed = wait(undefined);
      await change();
      expect(await changed).toBe(true);
    });

    it('ends at once for a reader that does not know an existing thread', async () => {
      await writerFor(context.store, context.thread).stream('a');
      expect(await wait(undefined)).toBe(true);
    });

    it('ends for all waiting readers', async () => {
      const waiting = range(3).map(() => wait(undefined));
      await writerFor(context.store, context.thread).stream('a');
      expect(await Promise.all(waiting)).toEqual([true, true, true]);
    });

    it('returns false if it was aborted before', async () => {
      await writerFor(context.store, context.thread).stream('a');
      expect(await wait(undefined, { signal: AbortSignal.abort() })).toBe(false);
    });

    it('returns false to the reader that aborts, and continues for others', async () => {
      const leaving = new AbortController();
      const left = wait(undefined, { signal: leaving.signal });
      const staying = wait(undefined);
      leaving.abort();
      expect(await left).toBe(false);
      await writerFor(context.store, context.thread).stream('a');
      expect(await staying).toBe(true);
    });

    it.each<[string, (thread: EventThread) => EventThread]>([
      ['another thread', otherThreadOf],
      ["another agent's thread with the same id", sameIdOtherAgent],
    ])('continues when %s changes', async (_what, otherOf) => {
      const { store, thread } = context;
      await writerFor(store, thread).stream('a');
      const patience = new AbortController();
      const change = wait(await recordOf(), { signal: patience.signal });
      const other = otherOf(thread);
      const otherChange = wait(undefined, { thread: other });
      await writerFor(store, other).stream('a');
      await store.clear(other);
      expect(await otherChange).toBe(true);
      patience.abort();
      expect(await change).toBe(false);
    });

    it('continues when a change is repeated', async () => {
      const { store, thread } = context;
      const writer = writerFor(store, thread);
      await writer.final();
      const patience = new AbortController();
      const change = wait(await recordOf(), { signal: patience.signal });
      await store.beginAttempt(thread, writer.run, writer.token, writer.startedAt);
      await writer.appendAt(0);
      patience.abort();
      expect(await change).toBe(false);
    });

    it('continues after a clear that the reader knows of, until the next event', async () => {
      const { store, thread } = context;
      const writer = writerFor(store, thread);
      await writer.stream(...'abcde'.split(''));
      await store.clear(thread);
      const seen = await recordOf();
      const patience = new AbortController();
      const impatient = wait(seen, { signal: patience.signal });
      const patient = wait(seen);
      patience.abort();
      expect(await impatient).toBe(false);
      await writer.stream('f');
      expect(await patient).toBe(true);
    });

    it('lets a reader follow a thread from change to change', async () => {
      const { store, second, thread } = context;
      const seen: number[] = [];
      const reader = (async () => {
        while (seen.length < 40) {
          const options = { after: { sequence: seen.at(-1) ?? 0 }, limit: 3 };
          const { events, head } = await second.list(thread, options);
          seen.push(...events.map(({ sequence }) => sequence));
          if (events.length === 0) await wait(head);
        }
      })();
      const writer = writerFor(store, thread);
      for (const number of range(20)) {
        await writer.stream(`${number}`, `${number}`);
        // Sometimes gives the reader time to catch up.
        if (number % 5 === 0) await readSequences(store, thread);
      }
      await reader;
      expect(seen).toEqual(range(40));
    });

    it('lets many readers follow at their own pace', async () => {
      const { store, second, thread } = context;
      const writer = writerFor(store, thread);
      const readers = range(5).map(async (limit) => {
        let after = 0;
        while (after < 15) {
          const { events, head } = await second.list(thread, { after: { sequence: after }, limit });
          after += events.length;
          if (events.length === 0) await wait(head);
        }
        return after;
      });
      for (const number of range(15)) await writer.stream(`${number}`);
      expect(await Promise.all(readers)).toEqual(range(5).map(() => 15));
    });
  });
}
