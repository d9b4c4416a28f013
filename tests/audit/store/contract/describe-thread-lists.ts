import { describe, expect, it } from 'vitest';
import type { EventThread } from '../../../../src/audit/domain/event-thread.js';
import { writerFor } from '../../../support/append-events.js';
import { failedEvent, finalEvent, finalEventWithoutUsage, streamEvent } from '../../../support/callback-events.js';
import { readTexts } from './read-thread.js';
import { type ContractContext, inOtherCase, otherThreadOf, sameIdOtherAgent } from './contract-context.js';

/** A list may be a second behind. */
const PATIENCE = { timeout: 30_000, interval: 50 };

/** What is known of threads without reading their events. */
export function describeThreadLists(context: ContractContext): void {
  const list = (of: EventThread) => () => context.store.listThreads(of.agentName);

  describe('listing threads', () => {
    it('lists those of an agent that hold events, the one with the latest event first', async () => {
      const { store, thread } = context;
      expect(await list(thread)()).toEqual([]);
      const threads = [thread, otherThreadOf(thread), sameIdOtherAgent(thread), inOtherCase(thread)];
      const [writer, ...others] = threads.map((of) => writerFor(store, of));
      await writer?.append(streamEvent('a', at(1)), streamEvent('b', at(2)));
      for (const [index, other] of others.entries()) await other.append(streamEvent('c', at(3 + index)));
      await writer?.append(streamEvent('d', at(7)));
      await expect.poll(list(thread), PATIENCE).toMatchObject([
        { ...thread, eventCount: 3, firstEventAt: at(1), lastEventAt: at(7) },
        { ...inOtherCase(thread), eventCount: 1 },
        { ...otherThreadOf(thread), eventCount: 1 },
      ]);
      const other = sameIdOtherAgent(thread);
      await expect.poll(list(other), PATIENCE).toMatchObject([{ ...other, eventCount: 1 }]);
    });

    it.each(['auth0|1', 'a#b?c', 'a%23b', 'a~23b', 'Jürgen 🌞', "it's }:head", 'x'.repeat(128)])(
      'keeps the thread %s by its id, apart from others',
      async (threadId) => {
        const { store } = context;
        const thread = { ...context.thread, threadId };
        await writerFor(store, context.thread).append(streamEvent('other'));
        await writerFor(store, thread).append(streamEvent('a'), streamEvent('b'));

        await expect.poll(list(thread), PATIENCE).toHaveLength(2);
        expect((await list(thread)()).map((listed) => listed.threadId)).toContain(threadId);
        expect(await readTexts(store, thread)).toEqual(['a', 'b']);

        await store.clear(thread);
        expect(await readTexts(store, thread)).toEqual([]);
        expect(await readTexts(store, context.thread)).toEqual(['other']);
        await expect.poll(list(thread), PATIENCE).toHaveLength(1);
      },
    );

    it('is not moved by runs that have no events yet', async () => {
      const { store, thread } = context;
      const [writer, later] = [writerFor(store, thread), writerFor(store, otherThreadOf(thread))];
      await writer.append(streamEvent('a', at(1)));
      await later.append(streamEvent('b', at(2)));
      await writerFor(store, thread, 2).accept();
      await writerFor(store, thread, 3).begin();
      await writerFor(store, inOtherCase(thread)).begin();
      await expect.poll(list(thread), PATIENCE).toMatchObject([later.thread, thread]);
    });

    it('sums up what happened in a thread', async () => {
      const { store, thread } = context;
      await writerFor(store, thread, 1).append(streamEvent('a', at(1)), finalEvent('a', at(2)));
      await writerFor(store, thread, 2).append(failedEvent(at(3)));
      await writerFor(store, thread, 3).append(finalEventWithoutUsage('b', at(4)));
      await writerFor(store, thread, 4).append(finalEvent('c', at(5)));
      await writerFor(store, thread, 5).append(streamEvent('d', at(6)));
      await expect.poll(list(thread), PATIENCE).toEqual([
        {
          ...thread,
          eventCount: 6,
          firstEventAt: at(1),
          lastEventAt: at(6),
          lastEventType: 'stream',
          runCount: 5,
          failedRunCount: 1,
          inputTokenCount: 2 * 59,
          outputTokenCount: 2 * 14,
          totalTokenCount: 2 * 73,
        },
      ]);
    });

    it('counts a run once that was delivered again, as failed only if its last attempt did, and all of its tokens', async () => {
      const { store, thread } = context;
      await writerFor(store, thread, 1).append(streamEvent('a', at(1)), failedEvent(at(2)));
      await writerFor(store, thread, 1).append(finalEvent('b', at(3)));
      await writerFor(store, thread, 1).append(streamEvent('c', at(4)), finalEvent('c', at(5)));
      await writerFor(store, thread, 2).append(finalEvent('d', at(6)));
      await writerFor(store, thread, 2).append(failedEvent(at(7)));
      await expect
        .poll(list(thread), PATIENCE)
        .toMatchObject([
          { eventCount: 7, runCount: 2, failedRunCount: 1, totalTokenCount: 3 * 73, lastEventType: 'failed' },
        ]);
    });

    it('does not count again what is appended again', async () => {
      const { store, thread } = context;
      const writer = writerFor(store, thread);
      for (let time = 0; time < 3; time += 1) {
        await writer.appendAt(0, streamEvent('a', at(1)), finalEvent('a', at(2)));
      }
      await expect
        .poll(list(thread), PATIENCE)
        .toMatchObject([{ eventCount: 2, runCount: 1, totalTokenCount: 73, lastEventAt: at(2) }]);
    });

    it('leaves out a thread that was cleared, and sums up anew what comes then', async () => {
      const { store, thread } = context;
      const other = writerFor(store, otherThreadOf(thread));
      await other.append(streamEvent('x', at(1)));
      await writerFor(store, thread, 1).append(finalEvent('a', at(2)));
      await writerFor(store, thread, 2).append(failedEvent(at(3)));
      await store.clear(thread);
      await expect.poll(list(thread), PATIENCE).toMatchObject([other.thread]);
      await writerFor(store, thread, 3).append(streamEvent('b', at(4)));
      await expect.poll(list(thread), PATIENCE).toEqual([
        {
          ...thread,
          eventCount: 1,
          firstEventAt: at(4),
          lastEventAt: at(4),
          lastEventType: 'stream',
          runCount: 1,
          failedRunCount: 0,
          inputTokenCount: 0,
          outputTokenCount: 0,
          totalTokenCount: 0,
        },
        expect.objectContaining(other.thread),
      ]);
    });
  });
}

function at(second: number): string {
  return `2026-01-07T15:40:0${second}.000Z`;
}
