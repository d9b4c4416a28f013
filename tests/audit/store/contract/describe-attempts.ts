import { describe, expect, it } from 'vitest';
import { RunWriter, writerFor } from '../../../support/append-events.js';
import { finalEvent, runOf, streamEvent } from '../../../support/callback-events.js';
import { type ContractContext, range } from './contract-context.js';
import { readEvents, readSequences, readTexts } from './read-thread.js';

const kept = { status: 'kept', lostEvents: 0 };
const superseded = { status: 'superseded' };
const a = streamEvent('a');
const b = streamEvent('b');
const c = streamEvent('c');
const d = streamEvent('d');
const e = streamEvent('e');

/** Retries never duplicate events, and a dead attempt's events never mix with those of its successor. */
export function describeAttempts(context: ContractContext): void {
  describe('appending again', () => {
    it.each([
      ['all of the stored events', 0, [a, b, c]],
      ['the last stored events', 1, [b, c]],
      ['a stored event', 1, [b]],
      ['nothing', 3, []],
    ])('adds nothing, given %s', async (_what, firstIndex, again) => {
      const { store, thread } = context;
      const writer = writerFor(store, thread);
      await writer.append(a, b, c);
      const { head } = await store.list(thread);
      for (let time = 0; time < 2; time += 1) expect(await writer.appendAt(firstIndex, ...again)).toEqual(kept);
      expect(await readTexts(store, thread)).toEqual('abc'.split(''));
      expect((await store.list(thread)).head).toEqual(head);
    });

    it('adds only new events after the stored ones', async () => {
      const { store, thread } = context;
      const writer = writerFor(store, thread);
      await writer.append(a, b, c);
      expect(await writer.appendAt(1, b, c, d)).toEqual(kept);
      expect(await writer.appendAt(0, a, b, c, d, e)).toEqual(kept);
      expect(await writer.appendAt(5, finalEvent('abcde'))).toEqual(kept);
      expect(await readTexts(store, thread)).toEqual([...'abcde'.split(''), 'abcde']);
      expect((await writer.read())?.attempts).toMatchObject([{ eventCount: 6, lostEvents: 0, outcome: 'final' }]);
    });

    it('adds nothing after the events of other runs', async () => {
      const { store, thread } = context;
      const [writer, other] = [writerFor(store, thread, 1), writerFor(store, thread, 2)];
      await writer.append(a);
      await other.append(b);
      await writer.appendAt(0, a, c);
      await other.appendAt(0, b);
      expect(await readTexts(store, thread)).toEqual('abc'.split(''));
    });

    it('counts skipped events as lost', async () => {
      const { store, thread } = context;
      const writer = writerFor(store, thread);
      await writer.append(a);
      expect(await writer.appendAt(3, d)).toEqual({ status: 'kept', lostEvents: 2 });
      expect(await writer.appendAt(3, d, e)).toEqual({ status: 'kept', lostEvents: 2 });
      expect(await writer.appendAt(9, finalEvent('all'))).toEqual({ status: 'kept', lostEvents: 6 });
      expect(await readTexts(store, thread)).toEqual(['a', 'd', 'e', 'all']);
      expect(await readSequences(store, thread)).toEqual(range(4));
      expect((await writer.read())?.attempts).toMatchObject([{ eventCount: 10, lostEvents: 6 }]);
    });

    it('rejects late events that it has counted as lost', async () => {
      const { store, thread } = context;
      const writer = writerFor(store, thread);
      await writer.appendAt(2, c);
      expect(await writer.appendAt(0, a, b)).toEqual({ status: 'kept', lostEvents: 2 });
      expect(await writer.appendAt(0, a, b, c, d)).toEqual({ status: 'kept', lostEvents: 2 });
      expect(await readTexts(store, thread)).toEqual(['c', 'd']);
    });
  });

  describe('starting attempts', () => {
    it('numbers them per run', async () => {
      const { store, thread } = context;
      for (const attempt of [1, 2, 3]) {
        for (const run of [1, 2]) expect(await writerFor(store, thread, run).begin()).toMatchObject({ attempt });
      }
    });

    it('returns what the writer must pass to each append', async () => {
      const { thread, store } = context;
      const writer = writerFor(store, thread);
      const { run, token, startedAt } = writer;
      expect(await writer.begin()).toEqual({ thread, run, attempt: 1, token, startedAt });
    });

    it('returns the same number for the same token', async () => {
      const { store, thread } = context;
      const tokens = ['one', 'two', 'two', 'two'];
      const numbers: number[] = [];
      for (const token of tokens) {
        numbers.push((await new RunWriter(store, thread, runOf(), token).begin()).attempt);
      }
      expect(numbers).toEqual([1, 2, 2, 2]);
      const writer = new RunWriter(store, thread, runOf(), 'two');
      await writer.append(a);
      expect(await new RunWriter(store, thread, runOf(), 'two').begin()).toMatchObject({ attempt: 2 });
      expect((await writer.read())?.attempts).toMatchObject([{ token: 'one' }, { token: 'two', eventCount: 1 }]);
    });

    it('does not revive a superseded attempt that starts again', async () => {
      const { store, thread } = context;
      const [zombie, successor] = [writerFor(store, thread), writerFor(store, thread)];
      await zombie.begin();
      await successor.begin();
      const again = new RunWriter(store, thread, runOf(), zombie.token);
      expect(await again.begin()).toMatchObject({ attempt: 1 });
      expect(await again.append(a)).toEqual(superseded);
      expect(await successor.append(b)).toEqual(kept);
    });

    it('adds a run that was not accepted before, with its message', async () => {
      const writer = writerFor(context.store, context.thread);
      await writer.begin();
      expect(await writer.read()).toMatchObject({ ...writer.run, attempts: [{ attempt: 1, token: writer.token }] });
    });

    it('continues to number very many attempts, and rejects the earlier ones', async () => {
      const { store, thread } = context;
      const writers = range(25).map(() => writerFor(store, thread));
      for (const [index, writer] of writers.entries()) {
        expect(await writer.begin()).toMatchObject({ attempt: index + 1 });
        expect(await writer.stream(`of ${index + 1}`)).toEqual(kept);
      }
      for (const writer of writers.slice(0, -1)) expect(await writer.append(a)).toEqual(superseded);
      const events = await store.list(thread);
      expect(events.events.map(({ attempt }) => attempt)).toEqual(range(25));
      expect((await writers[0]?.read())?.attempts.at(-1)).toMatchObject({ attempt: 25, eventCount: 1 });
    });
  });

  describe('a superseded attempt', () => {
    it('cannot append, not even events that it has appended before', async () => {
      const { store, thread } = context;
      const [zombie, successor] = [writerFor(store, thread), writerFor(store, thread)];
      await zombie.append(a, b);
      await successor.begin();
      const { head } = await store.list(thread);
      expect(await zombie.append(c)).toEqual(superseded);
      expect(await zombie.appendAt(0, a, b)).toEqual(superseded);
      expect(await zombie.appendAt(7, finalEvent())).toEqual(superseded);
      expect((await store.list(thread)).head).toEqual(head);
      expect(await successor.append(d)).toEqual(kept);
      expect(await zombie.append(e)).toEqual(superseded);
      expect(await successor.final('d')).toEqual(kept);
      expect(await zombie.final('ab')).toEqual(superseded);
      expect(await readEvents(store, thread)).toMatchObject([
        { ...a, attempt: 1 },
        { ...b, attempt: 1 },
        { ...d, attempt: 2 },
        { eventType: 'final', attempt: 2 },
      ]);
    });

    it('is superseded even if it had no events', async () => {
      const { store, thread } = context;
      const [zombie, successor] = [writerFor(store, thread), writerFor(store, thread)];
      await zombie.begin();
      await successor.append(a);
      expect(await zombie.append(b)).toEqual(superseded);
      expect(await readEvents(store, thread)).toMatchObject([{ ...a, attempt: 2, sequence: 1 }]);
    });

    it('is also one that started long before the newest and arrives late', async () => {
      const { store, thread } = context;
      const startedAt = '2026-01-07T15:39:01.000Z';
      const late = new RunWriter(store, thread, runOf(), undefined, startedAt, 60_000);
      const successor = writerFor(store, thread);
      await successor.append(a);
      const { head } = await store.list(thread);
      expect(await late.append(b)).toEqual(superseded);
      expect(await late.final('b')).toEqual(superseded);
      expect((await store.list(thread)).head).toEqual(head);
      expect(await successor.final('a')).toEqual(kept);
      expect(await readEvents(store, thread)).toMatchObject([
        { ...a, attempt: 1 },
        { eventType: 'final', attempt: 1 },
      ]);
    });

    it('does not affect the attempts of other runs', async () => {
      const { store, thread } = context;
      const [one, other] = [writerFor(store, thread, 1), writerFor(store, thread, 2)];
      await one.append(a);
      await other.append(b);
      await writerFor(store, thread, 1).begin();
      expect(await other.append(c)).toEqual(kept);
      expect(await readTexts(store, thread)).toEqual('abc'.split(''));
    });
  });

  describe('an attempt whose thread is cleared', () => {
    it('continues, and its run is known again with its message', async () => {
      const { store, thread } = context;
      const writer = writerFor(store, thread);
      await writer.append(a, b);
      await store.clear(thread);
      expect(await writer.append(c)).toEqual(kept);
      expect(await writer.final('abc')).toEqual(kept);
      expect(await readTexts(store, thread)).toEqual(['c', 'abc']);
      expect(await readSequences(store, thread)).toEqual([3, 4]);
      const { token, startedAt } = writer;
      expect(await writer.read()).toMatchObject({
        ...writer.run,
        attempts: [{ attempt: 1, token, startedAt, eventCount: 4, lostEvents: 0, lastSequence: 4, outcome: 'final' }],
      });
    });

    it('keeps its number, and does not count repeated appends again', async () => {
      const { store, thread } = context;
      await writerFor(store, thread).append(a);
      const writer = writerFor(store, thread);
      await writer.append(b);
      await store.clear(thread);
      expect(await writer.append(c)).toEqual(kept);
      expect(await writer.appendAt(1, c, d)).toEqual(kept);
      expect(await readEvents(store, thread)).toMatchObject([
        { ...c, attempt: 2 },
        { ...d, attempt: 2 },
      ]);
    });

    it('is superseded by one that starts after the clear, although both have number 1', async () => {
      const { store, thread } = context;
      const [zombie, successor] = [writerFor(store, thread), writerFor(store, thread)];
      await zombie.append(a);
      await store.clear(thread);
      expect(await successor.begin()).toMatchObject({ attempt: 1 });
      expect(await zombie.append(b)).toEqual(superseded);
      expect(await successor.append(c)).toEqual(kept);
      expect(await zombie.append(d)).toEqual(superseded);
      expect(await readTexts(store, thread)).toEqual(['c']);
    });

    it('is superseded by one that starts after the clear, although its own number is higher', async () => {
      const { store, thread } = context;
      await writerFor(store, thread).begin();
      const zombie = writerFor(store, thread);
      await zombie.append(a);
      await store.clear(thread);
      const successor = new RunWriter(store, thread, runOf(), undefined, '2026-01-07T16:00:00.000Z');
      expect(await successor.begin()).toMatchObject({ attempt: 1 });
      expect(await zombie.append(b)).toEqual(superseded);
      expect(await successor.append(c)).toEqual(kept);
      expect(await readTexts(store, thread)).toEqual(['c']);
    });

    it('supersedes an earlier one that continued first', async () => {
      const { store, thread } = context;
      const [zombie, successor] = [writerFor(store, thread), writerFor(store, thread)];
      await zombie.append(a);
      await successor.append(b);
      await store.clear(thread);
      await zombie.append(c);
      expect(await successor.append(d)).toEqual(kept);
      expect(await zombie.append(e)).toEqual(superseded);
      expect((await successor.read())?.attempts.at(-1)).toMatchObject({ attempt: 2, token: successor.token });
    });
  });
}
