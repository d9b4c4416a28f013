import { describe, expect, it } from 'vitest';
import type { EventThread } from '../../../../src/audit/domain/event-thread.js';
import { type ListOptions, MAX_APPENDED_EVENTS } from '../../../../src/audit/store/callback-event-store.js';
import { START } from '../../../../src/audit/domain/event-cursor.js';
import type { StoredEvent, NewEvent } from '../../../../src/audit/domain/stored-event.js';
import { writerFor } from '../../../support/append-events.js';
import {
  failedEvent,
  finalEvent,
  finalEventWithoutUsage,
  runId,
  streamEvent,
} from '../../../support/callback-events.js';
import { type ContractContext, inOtherCase, otherThreadOf, range, sameIdOtherAgent } from './contract-context.js';
import { readEvents, readPages, readSequences, readTexts } from './read-thread.js';

const BATCH = 50;

/** Events are returned unchanged, in their order and thread. */
export function describeKeptEvents(context: ContractContext): void {
  describe('keeping events', () => {
    it('numbers the events of a thread from 1, however they are batched', async () => {
      const { store, thread } = context;
      const writer = writerFor(store, thread);
      for (const texts of [['a'], ['b', 'c'], ['d', 'e', 'f'], ['g']]) {
        expect(await writer.stream(...texts)).toEqual({ status: 'kept', lostEvents: 0 });
      }
      await writer.final('abcdefg');
      expect(await readSequences(store, thread)).toEqual(range(8));
      expect(await readTexts(store, thread)).toEqual([...'abcdefg'.split(''), 'abcdefg']);
    });

    it('returns each event unchanged, in append order', async () => {
      const { store, thread } = context;
      const events = [
        streamEvent('a', '2026-01-07T15:40:02.001Z'),
        // A store neither reads nor sorts by times and fields.
        streamEvent('b', '2026-01-07T15:40:01.999Z'),
        { ...streamEvent(), fields: '"event_type":"stream" , "text" : "as\\u0020it\\/is","n":1.50' },
        finalEventWithoutUsage(),
      ];
      await writerFor(store, thread).append(...events);
      await writerFor(store, thread, 2).append(finalEvent());
      await writerFor(store, thread, 3).append(failedEvent());
      expect(await readEvents(store, thread)).toEqual([
        ...events.map((event, index) => asKept(event, index, 1)),
        asKept(finalEvent(), 4, 2),
        asKept(failedEvent(), 5, 3),
      ]);
    });

    it('has no events for an unknown thread', async () => {
      expect(await readEvents(context.store, context.thread)).toEqual([]);
    });

    it.each<[string, ListOptions, number[]]>([
      ['nothing', {}, [1, 2, 3, 4, 5]],
      ['a cursor at the start', { after: START }, [1, 2, 3, 4, 5]],
      ['a cursor at an event', { after: { sequence: 2 } }, [3, 4, 5]],
      ['a cursor at the last event', { after: { sequence: 5 } }, []],
      ['a limit', { limit: 2 }, [1, 2]],
      ['a limit above the number of events', { limit: 99 }, [1, 2, 3, 4, 5]],
      ['a limit and a cursor', { after: { sequence: 1 }, limit: 3 }, [2, 3, 4]],
      ['a limit beyond the last event', { after: { sequence: 4 }, limit: 2 }, [5]],
    ])('lists the expected events for %s', async (_what, options, expected) => {
      const { store, thread } = context;
      await writerFor(store, thread).stream(...'abcde'.split(''));
      expect(await readSequences(store, thread, options)).toEqual(expected);
    });

    it('does not change a page that was read when the thread continues', async () => {
      const { store, thread } = context;
      const writer = writerFor(store, thread);
      await writer.stream('a', 'b');
      const page = await store.list(thread);
      const before = structuredClone(page);
      await writer.stream(...'cdefghij'.split(''));
      await writer.final();
      await store.clear(thread);
      expect(page).toEqual(before);
    });

    it.each([
      ['an emoji of several code points', '👩‍👩‍👧‍👦🏳️‍🌈'],
      ['combining marks', 'e\u0301 ȩ́'],
      ['right-to-left text', 'שלום \u200Fعالم'],
      ['characters that JSON escapes', '"\\/\b\f\n\r\t\0\u001F'],
      ['line separators', 'a\u2028b\u2029c'],
      ['characters that are invalid in XML', '\uFFFE\uFFFF\u007F\u0085'],
      ['a text that looks like the end of an event', '"},{"sequence":99,"x":"'],
      ['half a surrogate pair', 'a\uD83D'],
      ['leading and trailing white space', ' \t\n a \n'],
      ['nothing', ''],
    ])('keeps %s', async (_what, text) => {
      const { store, thread } = context;
      const writer = writerFor(store, { ...thread, threadId: 'a:b@c~d=e+f-g_h.1' });
      await writer.stream(text);
      expect(await readTexts(store, writer.thread)).toEqual([text]);
    });

    it.each([
      ['of one byte per character', 'a', 1],
      ['of three bytes per character', '€', 3],
      ['of surrogate pairs, at odd places', '.😀', 5],
      // In JSON each of them takes six characters.
      ['of characters that are escaped', '\u0001', 6],
    ])('keeps texts that exceed the size of a row, %s', async (_what, unit, bytes) => {
      const { store, thread } = context;
      const sizes = [1, 1_000, 32_768, 65_536, 70_000, 10, 300_000, 2, 1_200_000];
      const texts = sizes.map((size, index) => `${index}:${unit.repeat(Math.ceil(size / bytes))}`);
      const writer = writerFor(store, thread);
      for (const text of texts) await writer.stream(text);
      const kept = await readTexts(store, thread);
      expect(kept.map((text, index) => text === texts[index])).toEqual(texts.map(() => true));
      expect(kept).toHaveLength(texts.length);
    });

    it.each([
      ['many small events and a large one in one append', [...range(BATCH - 1).map(() => 20), 1_200_000]],
      ['an append of events that are large in total', range(BATCH).map(() => 66_000)],
      ['an append of large and small events in turn', [300_000, 1, 300_000, 1, 300_000, 1]],
    ])('accepts %s', async (_what, sizes) => {
      const { store, thread } = context;
      const texts = sizes.map((size, index) => `${index}:`.padEnd(size, 'ä'));
      const writer = writerFor(store, thread);
      expect(await writer.stream(...texts)).toEqual({ status: 'kept', lostEvents: 0 });
      expect(await writer.final('after')).toEqual({ status: 'kept', lostEvents: 0 });
      const kept = await readTexts(store, thread);
      expect(kept.map((text) => text.length)).toEqual([...texts, 'after'].map((text) => text.length));
      expect(kept.every((text, index) => text === [...texts, 'after'][index])).toBe(true);
    });

    it('rejects an append above the limit as a whole', async () => {
      const { store, thread } = context;
      const writer = writerFor(store, thread);
      const texts = range(MAX_APPENDED_EVENTS + 1).map(String);
      await expect(writer.stream(...texts)).rejects.toThrow(RangeError);
      expect(await readTexts(store, thread)).toEqual([]);
      expect(await writer.appendAt(0, ...texts.slice(1).map((text) => streamEvent(text)))).toMatchObject({
        lostEvents: 0,
      });
      expect(await readTexts(store, thread)).toEqual(texts.slice(1));
    });

    it('returns more events of a thread than two pages of any service, at once and page by page', async () => {
      const { store, thread } = context;
      const count = 2100;
      const writer = writerFor(store, thread);
      for (let from = 0; from < count; from += BATCH) {
        await writer.stream(...range(BATCH).map((number) => `${from + number}`));
      }
      const expected = range(count).map(String);
      expect(await readTexts(store, thread)).toEqual(expected);
      const pages = await readPages(store, thread, 999);
      expect(pages.map(({ sequence }) => sequence)).toEqual(range(count));
      expect(await readSequences(store, thread, { after: { sequence: count - 1 } })).toEqual([count]);
      expect(await readSequences(store, thread, { after: { sequence: 1000 }, limit: 3 })).toEqual([1001, 1002, 1003]);
    });
  });

  describe('separating threads', () => {
    it.each<[string, (thread: EventThread) => EventThread]>([
      ['two threads', otherThreadOf],
      ['two agents with the same thread id', sameIdOtherAgent],
      ['thread ids that differ in case', inOtherCase],
      [
        'a thread and one whose id starts with that of the first',
        (thread) => ({ ...thread, threadId: `${thread.threadId}0` }),
      ],
      ['a thread and one whose id ends like a sequence', (thread) => ({ ...thread, threadId: 'thread-1-1' })],
    ])('numbers, lists and clears separately, even with the same run: %s', async (_what, otherOf) => {
      const { store, thread } = context;
      const other = otherOf(thread);
      const [writer, otherWriter] = [writerFor(store, thread), writerFor(store, other)];
      await writer.stream('a', 'b');
      await otherWriter.stream('x');
      await writer.final('ab');
      expect(await readTexts(store, thread)).toEqual(['a', 'b', 'ab']);
      expect(await readEvents(store, other)).toMatchObject([{ sequence: 1, fields: streamEvent('x').fields }]);
      expect((await writer.read())?.attempts).toMatchObject([{ eventCount: 3, outcome: 'final' }]);
      expect((await otherWriter.read())?.attempts).toMatchObject([{ eventCount: 1 }]);
      await store.clear(thread);
      expect(await readTexts(store, thread)).toEqual([]);
      expect(await readTexts(store, other)).toEqual(['x']);
      expect(await otherWriter.read()).toBeDefined();
    });
  });
}

function asKept({ timestamp, eventType, fields }: NewEvent, index: number, run: number): StoredEvent {
  return { timestamp, eventType, fields, sequence: index + 1, correlationId: runId(run), attempt: 1 };
}
