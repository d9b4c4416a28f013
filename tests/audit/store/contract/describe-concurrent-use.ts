import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { AppendResult } from '../../../../src/audit/domain/thread-changes.js';
import type { CallbackEventStore } from '../../../../src/audit/store/callback-event-store.js';
import type { EventThread } from '../../../../src/audit/domain/event-thread.js';
import { type EventCursor, START } from '../../../../src/audit/domain/event-cursor.js';
import type { StoredEvent } from '../../../../src/audit/domain/stored-event.js';
import { RunWriter, writerFor } from '../../../support/append-events.js';
import { finalEvent, runId, runOf, streamEvent } from '../../../support/callback-events.js';
import { type ContractContext, range } from './contract-context.js';
import { expectLawfulPage, readEvents, readPages, textOf } from './read-thread.js';

/** Concurrent writers and readers of one thread, half of them on each store. */
export function describeConcurrentUse(context: ContractContext): void {
  const storeOf = (number: number): CallbackEventStore => (number % 2 === 0 ? context.store : context.second);

  describe('under concurrent use', () => {
    it('gives each new attempt its own number', async () => {
      const { thread } = context;
      const begun = await Promise.all(range(6).map((number) => writerFor(storeOf(number), thread).begin()));
      expect(begun.map(({ attempt }) => attempt).toSorted((one, other) => one - other)).toEqual(range(6));
      expect((await context.store.readRun(thread, runId(1)))?.attempts).toHaveLength(6);
    });

    it('starts an attempt once, however many calls start it', async () => {
      const { thread } = context;
      const writers = range(6).map((number) => new RunWriter(storeOf(number), thread, runOf(), 'one'));
      const begun = await Promise.all(writers.map((writer) => writer.begin()));
      expect(begun.map(({ attempt }) => attempt)).toEqual(range(6).map(() => 1));
      expect((await context.store.readRun(thread, runId(1)))?.attempts).toHaveLength(1);
    });

    it('adds events once, however many calls append them', async () => {
      const { store, thread } = context;
      const writer = await writerFor(store, thread).begin();
      const events = 'abcde'.split('').map((text) => streamEvent(text));
      const appended = await Promise.all(
        range(6).map((number) => storeOf(number).append(writer, 0, events.slice(0, number))),
      );
      expect(appended).toEqual(range(6).map(() => ({ status: 'kept', lostEvents: 0 })));
      expect((await readEvents(store, thread)).map(textOf)).toEqual('abcde'.split(''));
    });

    it('gives each event of many runs its own sequence, and keeps each run in order', async () => {
      const { store, thread } = context;
      const count = 20;
      const writers = range(4).map((number) => writerFor(storeOf(number), thread, number));
      await Promise.all(writers.map((writer) => write(writer, count)));
      const events = await readEvents(store, thread);
      expect(events).toHaveLength(4 * count);
      for (const number of range(4)) {
        const ofRun = events.filter(({ correlationId }) => correlationId === runId(number));
        expect(ofRun.map(textOf)).toEqual(range(count).map(String));
      }
    });

    it.each(range(3))('separates a dead attempt from its successor, however they interleave (%i)', async () => {
      const { store, second, thread, testEnd } = context;
      const [zombie, successor] = [writerFor(store, thread), writerFor(second, thread)];
      const dead = writeUntilSuperseded(zombie, testEnd);
      while (zombie.count < 5) await second.list(thread);
      await successor.begin();
      await write(successor, 30);
      expect(await successor.append(finalEvent('whole'))).toEqual({ status: 'kept', lostEvents: 0 });
      expect(await dead).toEqual({ status: 'superseded' });

      const events = await readEvents(store, thread);
      const attempts = events.map(({ attempt }) => attempt);
      expect(attempts).toEqual(attempts.toSorted((one, other) => one - other));
      const [first, last] = [1, 2].map((attempt) => events.filter((event) => event.attempt === attempt).map(textOf));
      expect(first).toEqual(range(first?.length ?? 0).map(String));
      expect(last).toEqual([...range(30).map(String), 'whole']);
      expect((await successor.read())?.attempts).toMatchObject([
        { attempt: 1, eventCount: first?.length, lostEvents: 0 },
        { attempt: 2, eventCount: 31, lostEvents: 0, outcome: 'final', lastSequence: events.length },
      ]);
    });

    it('shows readers a prefix of the final log, without a gap', async () => {
      const { store, thread } = context;
      const writers = [writerFor(store, thread, 1), writerFor(store, thread, 2), writerFor(store, thread, 2)];
      const writing = Promise.all(writers.map((writer) => write(writer, 20)));
      const isDone = settled(writing);
      const [paged, whole] = await Promise.all([
        Promise.all(range(3).map((number) => follow(storeOf(number), thread, number, isDone))),
        Promise.all(range(2).map((number) => readAgainAndAgain(storeOf(number), thread, isDone))),
        writing,
      ]);
      const events = await readPages(store, thread, 7);
      const reads = [...paged, ...whole.flat()];
      expect(reads.filter((seen) => !isDeepStrictEqual(seen, events.slice(0, seen.length)))).toEqual([]);
      expect(await readEvents(context.second, thread)).toEqual(events);
    });

    it('leads a reader to the stored events even if the thread is cleared meanwhile', async () => {
      const { store, second, thread } = context;
      const writer = writerFor(store, thread);
      const writing = (async () => {
        const results: AppendResult[] = [];
        for (const number of range(4)) {
          results.push(await write(writer, 15));
          if (number < 4) await second.clear(thread);
        }
        return results;
      })();
      const isDone = settled(writing);
      const [seen] = await Promise.all([follow(second, thread, 3, isDone), writing]);
      const events = await readEvents(second, thread);
      expect(events.map(({ sequence }) => sequence)).toEqual(range(15).map((number) => 45 + number));
      expect(seen).toEqual(events.slice(0, seen.length));
      expect(await writing).toEqual(range(4).map(() => ({ status: 'kept', lostEvents: 0 })));
    });
  });
}

/**
 * Appends events with the texts 1, 2, 3 … in batches of one to three, until it has appended `count` or is superseded.
 *
 * @returns the last result
 */
async function write(writer: RunWriter, count: number): Promise<AppendResult> {
  let result: AppendResult = { status: 'kept', lostEvents: 0 };
  for (let written = 0; written < count && result.status === 'kept';) {
    const size = Math.min(1 + (written % 3), count - written);
    result = await writer.stream(...range(size).map((number) => String(written + number)));
    written += size;
  }
  return result;
}

/** Appends events with the texts 1, 2, 3 …, with pauses like those of a model. */
async function writeUntilSuperseded(writer: RunWriter, testEnd: AbortSignal): Promise<AppendResult> {
  for (;;) {
    const result = await writer.stream(String(writer.count + 1));
    if (result.status === 'superseded' || testEnd.aborted) return result;
    await writer.read();
    await writer.read();
  }
}

/** The events of a reader that follows cursors and discards its events after a reset. */
async function follow(
  store: CallbackEventStore,
  thread: EventThread,
  limit: number,
  isDone: () => boolean,
): Promise<readonly StoredEvent[]> {
  let seen: readonly StoredEvent[] = [];
  let after: EventCursor = START;
  while (!isDone()) {
    const page = await store.list(thread, { after, limit });
    expectLawfulPage(page, thread, { after, limit });
    seen = page.reset ? page.events : [...seen, ...page.events];
    after = page.next;
  }
  return seen;
}

async function readAgainAndAgain(store: CallbackEventStore, thread: EventThread, isDone: () => boolean) {
  const reads: (readonly StoredEvent[])[] = [];
  while (!isDone()) reads.push(await readEvents(store, thread));
  return reads;
}

function settled(work: Promise<unknown>): () => boolean {
  let isSettled = false;
  const settle = (): void => {
    isSettled = true;
  };
  work.then(settle, settle);
  return () => isSettled;
}
