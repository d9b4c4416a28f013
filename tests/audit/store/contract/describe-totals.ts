import { describe, expect, it } from 'vitest';
import { eventCountOf } from '../../../../src/audit/domain/thread-head.js';
import { writerFor } from '../../../support/append-events.js';
import {
  failedEvent,
  finalEvent,
  finalEventWithoutUsage,
  pricedEvent,
  streamEvent,
} from '../../../support/callback-events.js';
import { type ContractContext, inOtherCase, otherThreadOf, sameIdOtherAgent } from './contract-context.js';
import { readTexts } from './read-thread.js';

/** The totals of a thread in its head. */
export function describeTotals(context: ContractContext): void {
  const totalsOf = async (of = context.thread) => {
    const head = await context.store.readHead(of);
    return head && { eventCount: eventCountOf(head), ...head.totals };
  };

  describe('the totals of a thread', () => {
    it('count the events of each thread separately', async () => {
      const { store, thread } = context;
      expect(await totalsOf()).toBeUndefined();
      const threads = [thread, otherThreadOf(thread), sameIdOtherAgent(thread), inOtherCase(thread)];
      for (const [index, of] of threads.entries()) {
        await writerFor(store, of).append(...Array.from({ length: index + 1 }, () => streamEvent()));
      }
      const counts = await Promise.all(threads.map(async (of) => (await totalsOf(of))?.eventCount));
      expect(counts).toEqual([1, 2, 3, 4]);
    });

    it.each(['auth0|1', 'a#b?c', 'a%23b', 'a~23b', 'Jürgen 🌞', "it's }:head", 'x'.repeat(128)])(
      'do not mix the thread %s with others',
      async (threadId) => {
        const { store } = context;
        const thread = { ...context.thread, threadId };
        await writerFor(store, context.thread).append(streamEvent('other'));
        await writerFor(store, thread).append(streamEvent('a'), streamEvent('b'));
        expect(await readTexts(store, thread)).toEqual(['a', 'b']);
        await store.clear(thread);
        expect(await readTexts(store, thread)).toEqual([]);
        expect(await readTexts(store, context.thread)).toEqual(['other']);
      },
    );

    it('do not change for runs without events', async () => {
      const { store, thread } = context;
      await writerFor(store, thread).append(streamEvent('a', at(1)));
      const before = await totalsOf();
      await writerFor(store, thread, 2).begin();
      expect(await totalsOf()).toEqual(before);
    });

    it('sum up runs, failures, tokens and losses', async () => {
      const { store, thread } = context;
      await writerFor(store, thread, 1).append(streamEvent('a', at(1)), finalEvent('a', at(2)));
      await writerFor(store, thread, 2).append(failedEvent(at(3)));
      await writerFor(store, thread, 3).append(finalEventWithoutUsage('b', at(4)));
      await writerFor(store, thread, 4).append(finalEvent('c', at(5)));
      await writerFor(store, thread, 5).append(streamEvent('d', at(6)));
      expect(await totalsOf()).toEqual({
        eventCount: 6,
        firstEventAt: at(1),
        lastEventAt: at(6),
        lastEventType: 'stream',
        runCount: 5,
        failedRunCount: 1,
        inputTokenCount: 2 * 59,
        outputTokenCount: 2 * 14,
        totalTokenCount: 2 * 73,
      });
    });

    it('count a redelivered run once, as failed only if its last attempt failed, and with all of its tokens', async () => {
      const { store, thread } = context;
      await writerFor(store, thread, 1).append(streamEvent('a', at(1)), failedEvent(at(2)));
      await writerFor(store, thread, 1).append(finalEvent('b', at(3)));
      await writerFor(store, thread, 1).append(streamEvent('c', at(4)), finalEvent('c', at(5)));
      await writerFor(store, thread, 2).append(finalEvent('d', at(6)));
      await writerFor(store, thread, 2).append(failedEvent(at(7)));
      const expected = {
        eventCount: 7,
        runCount: 2,
        failedRunCount: 1,
        totalTokenCount: 3 * 73,
        lastEventType: 'failed',
      };
      expect(await totalsOf()).toMatchObject(expected);
    });

    it('sum up costs, in the currency of the newest', async () => {
      const { store, thread } = context;
      await writerFor(store, thread, 1).append(pricedEvent({ amount: 0.1, currency: 'USD' }, at(1)));
      await writerFor(store, thread, 2).append(finalEvent('a', at(2)));
      await writerFor(store, thread, 3).append(pricedEvent({ amount: 0.2, currency: 'USD' }, at(3)));
      expect(await totalsOf()).toMatchObject({ cost: { amount: 0.3, currency: 'USD' } });
      await writerFor(store, thread, 3).append(pricedEvent({ amount: 0.2, currency: 'USD' }, at(4)));
      expect(await totalsOf()).toMatchObject({ cost: { amount: 0.5, currency: 'USD' } });
      await writerFor(store, thread, 4).append(pricedEvent({ amount: 7, currency: 'EUR' }, at(5)));
      expect(await totalsOf()).toMatchObject({ cost: { amount: 7, currency: 'EUR' } });
    });

    it('do not count repeated appends again', async () => {
      const { store, thread } = context;
      const writer = writerFor(store, thread);
      for (let time = 0; time < 3; time += 1) {
        await writer.appendAt(0, streamEvent('a', at(1)), finalEvent('a', at(2)));
      }
      const expected = { eventCount: 2, runCount: 1, totalTokenCount: 73, lastEventAt: at(2) };
      expect(await totalsOf()).toMatchObject(expected);
    });

    it('restart after a clear', async () => {
      const { store, thread } = context;
      await writerFor(store, thread, 1).append(finalEvent('a', at(2)));
      await writerFor(store, thread, 2).append(failedEvent(at(3)));
      await store.clear(thread);
      expect(await totalsOf()).toEqual({ eventCount: 0 });
      await writerFor(store, thread, 3).append(streamEvent('b', at(4)));
      expect(await totalsOf()).toEqual({
        eventCount: 1,
        firstEventAt: at(4),
        lastEventAt: at(4),
        lastEventType: 'stream',
        runCount: 1,
        failedRunCount: 0,
        inputTokenCount: 0,
        outputTokenCount: 0,
        totalTokenCount: 0,
      });
    });
  });
}

function at(second: number): string {
  return `2026-01-07T15:40:0${second}.000Z`;
}
