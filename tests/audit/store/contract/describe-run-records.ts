import { describe, expect, it } from 'vitest';
import { RunWriter, writerFor } from '../../../support/append-events.js';
import {
  cancelMark,
  committedMark,
  failedEvent,
  finalEvent,
  runId,
  runOf,
  streamEvent,
} from '../../../support/callback-events.js';
import { type ContractContext, otherThreadOf } from './contract-context.js';

const fresh = { attempts: [], committed: false, cancelRequested: false };

/** What is kept of a run beside its events. */
export function describeRunRecords(context: ContractContext): void {
  describe('keeping run records', () => {
    it('notes that a run was accepted', async () => {
      const writer = writerFor(context.store, context.thread);
      expect(await writer.read()).toBeUndefined();
      expect(await writer.accept()).toEqual({ ...writer.run, ...fresh });
      expect(await writer.read()).toEqual({ ...writer.run, ...fresh });
      expect(await writerFor(context.store, context.thread, 2).read()).toBeUndefined();
      expect(await writerFor(context.store, otherThreadOf(context.thread)).read()).toBeUndefined();
    });

    it('answers with what is known of a run that is accepted again', async () => {
      const { store, thread } = context;
      const writer = writerFor(store, thread);
      await writer.accept();
      await writer.stream('a');
      await writer.mark('cancelRequested');
      const known = await writer.read();
      const again = { ...writer.run, requestMessage: 'Something else', acceptedAt: '2026-01-08T00:00:00.000Z' };
      expect(await store.acceptRun(thread, again)).toEqual(known);
      expect(await writer.read()).toEqual(known);
      expect(known).toMatchObject({ ...writer.run, cancelRequested: true, attempts: [{ attempt: 1 }] });
    });

    it('keeps the message of a run whole', async () => {
      const { store, thread } = context;
      const messages = [
        '',
        '\0"\\ e\u0301 \u2028',
        'a\uD83D',
        '😀'.repeat(65_536),
        'ä'.repeat(131_072),
        '\u0001'.repeat(262_144),
      ];
      for (const [index, requestMessage] of messages.entries()) {
        const run = { ...runOf(index), requestMessage };
        await store.acceptRun(thread, run);
        await new RunWriter(store, thread, run).stream('a');
      }
      const { runs } = await store.list(thread);
      for (const [index, message] of messages.entries()) {
        const read = await store.readRun(thread, runId(index));
        expect(read?.requestMessage === message).toBe(true);
        expect(runs.get(runId(index))?.requestMessage === message).toBe(true);
      }
    });

    it('knows what each attempt has come to', async () => {
      const { store, thread } = context;
      const writerFrom = (startedAt: string) => new RunWriter(store, thread, runOf(), undefined, startedAt);
      const first = writerFrom('2026-01-07T15:41:01.000Z');
      const second = writerFrom('2026-01-07T15:41:02.000Z');
      const third = writerFrom('2026-01-07T15:41:03.000Z');
      await first.stream('a', 'b');
      await second.append(streamEvent('c'), failedEvent('2026-01-07T15:42:00.000Z'));
      await third.begin();
      const attempts = [
        { ...attemptOf(first, 1), eventCount: 2, lostEvents: 0, lastSequence: 2 },
        {
          ...attemptOf(second, 2),
          eventCount: 2,
          lostEvents: 0,
          lastSequence: 4,
          outcome: 'failed',
          endedAt: '2026-01-07T15:42:00.000Z',
        },
      ];
      const begun = { ...attemptOf(third, 3), eventCount: 0, lostEvents: 0 };
      expect(await first.read()).toEqual({ ...first.run, ...fresh, attempts: [...attempts, begun] });
      await third.append(finalEvent('d', '2026-01-07T15:43:00.000Z'));
      const ended = {
        ...begun,
        eventCount: 1,
        lastSequence: 5,
        outcome: 'final',
        endedAt: '2026-01-07T15:43:00.000Z',
        answer: finalEvent('d').answer,
      };
      expect(await first.read()).toEqual({ ...first.run, ...fresh, attempts: [...attempts, ended] });
    });

    it.each(['committed', 'cancelRequested'] as const)('sets the mark %s once', async (mark) => {
      const { store, thread } = context;
      const writer = writerFor(store, thread);
      await writer.final();
      const marked = { ...(await writer.read()), [mark]: true };
      expect(await writer.mark(mark)).toEqual(marked);
      expect(await writer.read()).toEqual(marked);
      const { record } = await store.list(thread);
      await writer.mark(mark);
      expect((await store.list(thread)).record).toEqual(record);
      expect(await writer.read()).toEqual(marked);
    });

    it('does not call an answer committed in whose place the conversation has another one', async () => {
      const { store, thread } = context;
      const unsaved = writerFor(store, thread);
      await unsaved.final('of a delivery whose state was not saved');
      const { record } = await store.list(thread);
      expect(await store.markRun(thread, runId(1), committedMark('of the next one'))).toMatchObject({
        committed: false,
      });
      expect((await store.list(thread)).record).toEqual(record);
      const next = writerFor(store, thread);
      await next.final('of the next one');
      expect(await unsaved.mark('committed')).toMatchObject({ committed: false });
      expect(await next.mark('committed')).toMatchObject({ committed: true });
    });

    it('sets no mark on what it does not know', async () => {
      const { store, thread } = context;
      await store.markRun(thread, runId(1), committedMark());
      expect((await store.list(thread)).record).toBeUndefined();
      await writerFor(store, thread, 1).accept();
      await store.markRun(thread, runId(2), cancelMark);
      expect(await store.readRun(thread, runId(2))).toBeUndefined();
    });

    it('takes the answer of an attempt for not committed once another request begins one, and leaves the wish to cancel', async () => {
      const { store, thread } = context;
      const writer = writerFor(store, thread);
      await writer.final();
      await writer.mark('committed');
      await writer.mark('cancelRequested');
      await new RunWriter(store, thread, { ...runOf(), acceptedAt: '2026-01-07T15:50:00.000Z' }).begin();
      expect(await writer.read()).toMatchObject({ committed: false, cancelRequested: true });
    });

    it('lets a delivery that is heard of after its run was committed change nothing', async () => {
      const { store, thread } = context;
      const writer = writerFor(store, thread);
      await writer.final('the answer');
      await writer.mark('committed');
      const late = writerFor(store, thread);
      expect(await late.stream('half')).toEqual({ status: 'superseded' });
      expect(await writer.read()).toMatchObject({ committed: true, attempts: [{ attempt: 1, token: writer.token }] });
      expect((await store.list(thread)).events).toHaveLength(1);
    });

    it('gives the runs of the events of a page, and of the newest attempt, as they are', async () => {
      const { store, thread } = context;
      const [first, second] = [writerFor(store, thread, 1), writerFor(store, thread, 2)];
      await first.stream('a');
      await first.final();
      await second.final();
      await writerFor(store, thread, 3).begin();
      await second.mark('committed');
      const runsOf = async (sequence: number, limit?: number) => {
        const { runs } = await store.list(thread, { after: { sequence }, ...(limit !== undefined && { limit }) });
        return runs;
      };
      expect([...(await runsOf(0, 2)).keys()].toSorted()).toEqual([runId(1), runId(3)]);
      expect([...(await runsOf(1)).keys()].toSorted()).toEqual([runId(1), runId(2), runId(3)]);
      expect([...(await runsOf(3)).keys()]).toEqual([runId(3)]);
      for (const [id, run] of await runsOf(0)) expect(run).toEqual(await store.readRun(thread, id));
    });

    it('has the message of the request that was begun, though its key was used for another one after a clear', async () => {
      const { store, thread } = context;
      const writer = writerFor(store, thread);
      await writer.accept();
      await store.clear(thread);
      const requestMessage = 'Something else '.repeat(5000);
      await store.acceptRun(thread, { ...runOf(), requestMessage });
      await writer.final();
      expect(await writer.read()).toMatchObject({ ...writer.run, attempts: [{ attempt: 1, eventCount: 1 }] });
      const { runs } = await store.list(thread);
      expect(runs.get(runId(1))).toMatchObject(writer.run);
    });

    it('forgets runs with their thread', async () => {
      const { store, thread } = context;
      const [ended, accepted] = [writerFor(store, thread, 1), writerFor(store, thread, 2)];
      await ended.final();
      await accepted.accept();
      await store.clear(thread);
      expect(await ended.read()).toBeUndefined();
      expect(await accepted.read()).toBeUndefined();
      await ended.mark('committed');
      expect(await ended.read()).toBeUndefined();
      expect(await accepted.accept()).toEqual({ ...accepted.run, ...fresh });
    });
  });
}

function attemptOf({ token, startedAt }: RunWriter, attempt: number) {
  return { attempt, token, startedAt };
}
