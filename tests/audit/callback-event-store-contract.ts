import { beforeEach, describe, expect, it } from 'vitest';
import type { CallbackEvent, NewCallbackEvent } from '../../src/audit/callback-event.js';
import type { CallbackEventStore, EventThread, ListOptions } from '../../src/audit/callback-event-store.js';
import { type EventCursor, endOf, START } from '../../src/audit/event-cursor.js';
import { failedEvent, finalEvent, ofRun, streamEvent, thread } from '../support/callback-events.js';

const otherThread: EventThread = { ...thread, threadId: 'thread-2' };
const sameIdOtherAgent: EventThread = { ...thread, agentName: 'OtherAgent' };

const MANY = 10_000;

/**
 * The laws of {@link CallbackEventStore}, for any implementation.
 *
 * @param createStore makes an empty store that keeps at least 10,000 events of a thread
 */
export function describeCallbackEventStore(
  name: string,
  createStore: () => CallbackEventStore | Promise<CallbackEventStore>,
): void {
  describe(`${name}, a callback event store`, () => {
    let store: CallbackEventStore;
    let never: AbortSignal;

    beforeEach(async () => {
      store = await createStore();
      never = new AbortController().signal;
    });

    async function append(count: number, to = thread): Promise<number[]> {
      return inTurn(Array.from({ length: count }, (_, index) => streamEvent(`piece ${index + 1}`, to)));
    }

    async function inTurn(events: readonly NewCallbackEvent[]): Promise<number[]> {
      const given: number[] = [];
      for (const event of events) given.push(await store.append(event));
      return given;
    }

    async function read(from = thread, options?: ListOptions): Promise<CallbackEvent[]> {
      const page = await store.list(from, options);
      const events: CallbackEvent[] = JSON.parse(Buffer.from(page.json).toString());
      expect(page.count).toBe(events.length);
      expect([page.next.sequence, undefined]).toContain(events.at(-1)?.sequence);
      expect(page.next.epoch).toBe(page.record?.epoch);
      return events;
    }

    async function readJson(from = thread): Promise<string> {
      return Buffer.from((await store.list(from)).json).toString();
    }

    /** The place behind the newest event. */
    async function endOfThread(of = thread): Promise<EventCursor> {
      return endOf((await store.list(of, { limit: 1 })).record);
    }

    async function sequences(from = thread, options?: ListOptions): Promise<number[]> {
      return (await read(from, options)).map(({ sequence }) => sequence);
    }

    describe('keeping events', () => {
      it('counts the events of a thread from 1', async () => {
        expect(await append(3)).toEqual([1, 2, 3]);
      });

      it('gives back each event as it was, in the order of appending, with its sequence behind its fields', async () => {
        const events = [streamEvent(), finalEvent(), { ...finalEvent(), usage: null }, failedEvent()];
        await inTurn(events);
        expect(await readJson()).toBe(
          JSON.stringify(events.map((event, index) => ({ ...event, sequence: index + 1 }))),
        );
      });

      it('has no events of a thread that is unknown', async () => {
        expect(await read()).toEqual([]);
      });

      it.each<[string, ListOptions, number[]]>([
        ['nothing', {}, [1, 2, 3, 4, 5]],
        ['after the beginning', { after: START }, [1, 2, 3, 4, 5]],
        ['after an event', { after: { sequence: 2 } }, [3, 4, 5]],
        ['after the last event', { after: { sequence: 5 } }, []],
        ['a limit', { limit: 2 }, [1, 2]],
        ['a limit above what there is', { limit: 99 }, [1, 2, 3, 4, 5]],
        ['a limit after an event', { after: { sequence: 1 }, limit: 3 }, [2, 3, 4]],
        ['a limit past the end', { after: { sequence: 4 }, limit: 2 }, [5]],
      ])('lists the events that are asked for with %s', async (_what, options, expected) => {
        await append(5);
        expect(await sequences(thread, options)).toEqual(expected);
      });

      it('leaves a page as it was read when the thread goes on', async () => {
        await append(2);
        const page = await store.list(thread);
        const before = Buffer.from(page.json).toString();
        await append(50);
        await store.clear(thread);
        expect(Buffer.from(page.json).toString()).toBe(before);
      });

      it.each([
        ['an emoji of several code points', '👩‍👩‍👧‍👦🏳️‍🌈'],
        ['combining marks', 'e\u0301 ȩ́'],
        ['right-to-left text', 'שלום \u200Fعالم'],
        ['characters that JSON escapes', '"\\/\b\f\n\r\t\0\u001F'],
        ['line separators', 'a\u2028b\u2029c'],
        ['what looks like the end of an event', '"},{"sequence":99,"x":"'],
        ['half a surrogate pair', 'a\uD83D'],
      ])('keeps %s', async (_what, text) => {
        await store.append(streamEvent(text));
        expect(await read()).toMatchObject([{ text }]);
      });

      it('keeps events that are larger than its usual pieces', async () => {
        const texts = [1, 1_000, 70_000, 10, 300_000, 2].map((length) => 'ä'.repeat(length));
        await inTurn(texts.map((text) => streamEvent(text)));
        expect((await read()).map((event) => event.event_type === 'stream' && event.text)).toEqual(texts);
      });
    });

    describe('keeping threads apart', () => {
      it.each([
        ['two threads', otherThread],
        ['two agents that use one thread id', sameIdOtherAgent],
        ['thread ids that differ in case', { ...thread, threadId: 'THREAD-1' }],
      ])('counts and lists %s apart', async (_what, other) => {
        await append(2);
        await append(1, other);
        expect(await append(1)).toEqual([3]);
        expect(await sequences()).toEqual([1, 2, 3]);
        expect(await read(other)).toMatchObject([
          { agent_name: other.agentName, thread_id: other.threadId, sequence: 1 },
        ]);
      });

      it('lists the threads that hold events, the one with the latest event first', async () => {
        expect(await store.listThreads()).toEqual([]);
        await append(2);
        await append(1, otherThread);
        await append(1, sameIdOtherAgent);
        await append(1);
        expect(await store.listThreads()).toMatchObject([
          { ...thread, eventCount: 3 },
          { ...sameIdOtherAgent, eventCount: 1 },
          { ...otherThread, eventCount: 1 },
        ]);
      });

      it('sums up what happened in a thread', async () => {
        await inTurn([
          { ...ofRun(1, streamEvent()), ...at(1) },
          { ...ofRun(1, finalEvent()), ...at(2) },
          { ...ofRun(2, failedEvent()), ...at(3) },
          { ...ofRun(3, { ...finalEvent(), usage: null }), ...at(4) },
          { ...ofRun(4, finalEvent()), ...at(5) },
          { ...ofRun(5, streamEvent()), ...at(6) },
        ]);
        expect(await store.listThreads()).toEqual([
          {
            ...thread,
            eventCount: 6,
            firstEventAt: '2026-01-07T15:40:01.000Z',
            lastEventAt: '2026-01-07T15:40:06.000Z',
            lastEventType: 'stream',
            runCount: 5,
            failedRunCount: 1,
            inputTokenCount: 2 * 59,
            outputTokenCount: 2 * 14,
            totalTokenCount: 2 * 73,
          },
        ]);
      });

      it('sums up anew after a clear', async () => {
        await inTurn([finalEvent(), failedEvent()]);
        await store.clear(thread);
        await store.append({ ...streamEvent(), timestamp: '2026-02-01T00:00:00.000Z' });
        expect(await store.listThreads()).toEqual([
          {
            ...thread,
            eventCount: 1,
            firstEventAt: '2026-02-01T00:00:00.000Z',
            lastEventAt: '2026-02-01T00:00:00.000Z',
            lastEventType: 'stream',
            runCount: 1,
            failedRunCount: 0,
            inputTokenCount: 0,
            outputTokenCount: 0,
            totalTokenCount: 0,
          },
        ]);
      });
    });

    describe('telling where to read on', () => {
      it('gives a cursor behind the last event of a page, that leads through the thread without a gap', async () => {
        await append(5);
        const first = await store.list(thread, { limit: 2 });
        expect(first).toMatchObject({ count: 2, reset: false, next: { sequence: 2 } });
        expect(await sequences(thread, { after: first.next, limit: 2 })).toEqual([3, 4]);
        const last = await store.list(thread, { after: { ...first.next, sequence: 4 } });
        expect(last).toMatchObject({ count: 1, next: { sequence: 5 } });
        const end = await store.list(thread, { after: last.next });
        expect(end).toMatchObject({ count: 0, reset: false, next: last.next });
      });

      it('knows the record of a thread from its first event on, and says what it holds', async () => {
        expect(await store.list(thread)).toMatchObject({ count: 0, reset: false, next: START });
        expect((await store.list(thread)).record).toBeUndefined();
        await append(3);
        const { record } = await store.list(thread, { limit: 1 });
        expect(record).toEqual({ epoch: expect.stringMatching(/^[0-9a-z]+$/), oldestSequence: 1, newestSequence: 3 });
        await store.clear(thread);
        expect((await store.list(thread)).record).toEqual({ ...record, oldestSequence: 4 });
        await append(1);
        expect((await store.list(thread)).record).toEqual({ ...record, oldestSequence: 4, newestSequence: 4 });
      });

      it('has an epoch of its own for each thread and each store', async () => {
        const another = await createStore();
        await append(1);
        await append(1, otherThread);
        await append(1, sameIdOtherAgent);
        await another.append(streamEvent());
        const pages = [store.list(thread), store.list(otherThread), store.list(sameIdOtherAgent), another.list(thread)];
        const epochs = (await Promise.all(pages)).map(({ next }) => next.epoch);
        expect(new Set(epochs).size).toBe(4);
      });

      it.each<[string, EventCursor]>([
        ['of another epoch', { epoch: 'another', sequence: 2 }],
        ['of another epoch at its beginning', { epoch: 'another', sequence: 0 }],
        ['beyond the newest event', { sequence: 6 }],
      ])('resets the reader of a cursor %s, and gives the oldest events', async (_what, after) => {
        await append(5);
        const { record } = await store.list(thread);
        expect(await store.list(thread, { after, limit: 2 })).toMatchObject({
          count: 2,
          reset: true,
          next: { epoch: record?.epoch, sequence: 2 },
        });
        expect(await sequences(thread, { after, limit: 2 })).toEqual([1, 2]);
      });

      it.each<[string, EventCursor]>([
        ['behind an event', { sequence: 1 }],
        ['of some epoch', { epoch: 'another', sequence: 0 }],
      ])('resets the reader of a cursor %s when the thread is unknown', async (_what, after) => {
        expect(await store.list(thread, { after })).toMatchObject({ count: 0, reset: true, next: START });
      });

      it.each([1, 2, 3])('resets the reader who has seen %i of 3 events that were cleared', async (seen) => {
        await append(3);
        const { next } = await store.list(thread, { limit: seen });
        await store.clear(thread);
        const reset = await store.list(thread, { after: next });
        expect(reset).toMatchObject({ count: 0, reset: true, next: { epoch: next.epoch, sequence: 0 } });
        expect(await store.list(thread, { after: reset.next })).toMatchObject({ count: 0, reset: false });
        await append(2);
        expect(await store.list(thread, { after: next })).toMatchObject({ count: 2, reset: true });
        expect(await store.list(thread, { after: reset.next })).toMatchObject({ count: 2, reset: false });
      });

      it('does not reset a reader who had seen nothing before a clear', async () => {
        await append(3);
        await store.clear(thread);
        await append(1);
        expect(await store.list(thread, { after: START })).toMatchObject({ count: 1, reset: false });
      });
    });

    describe('clearing', () => {
      it('removes the events of one thread', async () => {
        await append(2);
        await append(1, otherThread);
        await append(1, sameIdOtherAgent);
        await store.clear(thread);
        expect(await sequences()).toEqual([]);
        expect(await sequences(otherThread)).toEqual([1]);
        expect(await sequences(sameIdOtherAgent)).toEqual([1]);
        expect(await store.listThreads()).not.toContainEqual(expect.objectContaining(thread));
      });

      it('goes on counting where the removed events ended', async () => {
        await append(3);
        await store.clear(thread);
        expect(await append(2)).toEqual([4, 5]);
        expect(await sequences()).toEqual([4, 5]);
        expect(await sequences(thread, { after: { sequence: 4 }, limit: 1 })).toEqual([5]);
        expect(await store.listThreads()).toMatchObject([{ ...thread, eventCount: 2 }]);
      });

      it('can be repeated, and done to a thread that is unknown', async () => {
        await store.clear(thread);
        await store.clear(thread);
        expect(await append(1)).toEqual([1]);
        await store.clear(thread);
        await store.clear(thread);
        expect(await append(1)).toEqual([2]);
      });
    });

    describe('waiting for a change', () => {
      it.each([0, 1])('ends at once when there is a later event than %i', async (sequence) => {
        await append(2);
        expect(await store.waitForChange(thread, { sequence }, never)).toBe(true);
      });

      it.each([
        ['a thread with events', 2],
        ['a thread that is not known yet', 0],
      ])('ends when an event is appended to %s', async (_what, existing) => {
        await append(existing);
        const change = store.waitForChange(thread, await endOfThread(), never);
        await append(1);
        expect(await change).toBe(true);
      });

      it('ends when the thread is cleared', async () => {
        await append(2);
        const change = store.waitForChange(thread, await endOfThread(), never);
        await store.clear(thread);
        expect(await change).toBe(true);
      });

      it('ends at once when the thread was cleared after the reader had read it', async () => {
        await append(2);
        const { next } = await store.list(thread);
        await store.clear(thread);
        expect(await store.waitForChange(thread, next, never)).toBe(true);
      });

      it.each<[string, EventCursor]>([
        ['of another epoch', { epoch: 'another', sequence: 1 }],
        ['beyond the newest event', { sequence: 3 }],
      ])('ends at once for a cursor %s, whose reader is to be reset', async (_what, after) => {
        await append(2);
        expect(await store.waitForChange(thread, after, never)).toBe(true);
        expect(await store.waitForChange(otherThread, after, never)).toBe(true);
      });

      it('ends for all who wait', async () => {
        const changes = Array.from({ length: 3 }, () => store.waitForChange(thread, START, never));
        await append(1);
        expect(await Promise.all(changes)).toEqual([true, true, true]);
      });

      it('ends with false when it was aborted before', async () => {
        await append(1);
        expect(await store.waitForChange(thread, START, AbortSignal.abort())).toBe(false);
      });

      it('ends with false for the one who aborts it, and goes on for the others', async () => {
        const leaving = new AbortController();
        const left = store.waitForChange(thread, START, leaving.signal);
        const staying = store.waitForChange(thread, START, never);
        leaving.abort();
        expect(await left).toBe(false);
        await append(1);
        expect(await staying).toBe(true);
      });

      it.each([
        ['another thread', otherThread],
        ["another agent's thread with the same id", sameIdOtherAgent],
      ])('goes on when something happens to %s', async (_what, other) => {
        const patience = new AbortController();
        const change = store.waitForChange(thread, START, patience.signal);
        await append(1, other);
        await store.clear(other);
        patience.abort();
        expect(await change).toBe(false);
      });

      it('goes on behind a clear that the reader was told of, until the next event', async () => {
        await append(5);
        await store.clear(thread);
        const after = await endOfThread();
        const patience = new AbortController();
        const impatient = store.waitForChange(thread, after, patience.signal);
        const patient = store.waitForChange(thread, after, never);
        patience.abort();
        expect(await impatient).toBe(false);
        await append(1);
        expect(await patient).toBe(true);
      });

      it('lets a reader follow a thread event by event', async () => {
        const seen: number[] = [];
        const reader = (async () => {
          let after = START;
          while (seen.length < 20) {
            await store.waitForChange(thread, after, never);
            seen.push(...(await sequences(thread, { after, limit: 3 })));
            after = { sequence: seen.at(-1) ?? 0 };
          }
        })();
        await append(20);
        await reader;
        expect(seen).toEqual(range(20));
      });
    });

    describe('under load', () => {
      it('gives each of many events appended at once a place of its own', async () => {
        const threads = [thread, otherThread, sameIdOtherAgent];
        const appended = await Promise.all(
          threads.flatMap((to) => range(100).map((number) => store.append(streamEvent(`piece ${number}`, to)))),
        );
        for (const [index, of] of threads.entries()) {
          const places = appended.slice(index * 100, index * 100 + 100);
          expect(places.toSorted((one, other) => one - other)).toEqual(range(100));
          const texts = (await read(of)).map((event) => event.event_type === 'stream' && event.text);
          expect(texts).toEqual(range(100).map((place) => `piece ${places.indexOf(place) + 1}`));
        }
      });

      it('serves ten thousand events of a thread, whole and page by page', async () => {
        await append(MANY);
        expect(await sequences()).toEqual(range(MANY));
        const pages: number[] = [];
        while (pages.length < MANY) {
          const page = await sequences(thread, { after: { sequence: pages.length }, limit: 999 });
          if (page.length === 0) break;
          pages.push(...page);
        }
        expect(pages).toEqual(range(MANY));
        expect(await sequences(thread, { after: { sequence: MANY - 1 } })).toEqual([MANY]);
      });
    });
  });
}

const at = (second: number) => ({ timestamp: `2026-01-07T15:40:0${second}.000Z` });

/** 1, 2, 3 … */
function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index + 1);
}
