import { describe, expect, it } from 'vitest';
import { RunWriter, writerFor } from '../../../support/append-events.js';
import { failedEvent, finalEvent, runId, runOf, streamEvent } from '../../../support/callback-events.js';
import { type ContractContext, otherThreadOf } from './contract-context.js';

/** The record that a store keeps of a run in addition to its events. */
export function describeRecordedRuns(context: ContractContext): void {
  describe('run records', () => {
    it('contain a run from the start of its first attempt', async () => {
      const writer = writerFor(context.store, context.thread);
      expect(await writer.read()).toBeUndefined();
      await writer.begin();
      expect(await writer.read()).toMatchObject({ ...writer.run, attempts: [{ attempt: 1 }] });
      expect(await writerFor(context.store, context.thread, 2).read()).toBeUndefined();
      expect(await writerFor(context.store, otherThreadOf(context.thread)).read()).toBeUndefined();
    });

    it('keep the first description of a redelivered run', async () => {
      const { store, thread } = context;
      await writerFor(store, thread).stream('a');
      const again = { ...runOf(), acceptedAt: '2026-01-08T00:00:00.000Z' };
      await new RunWriter(store, thread, again).begin();
      expect(await store.readRun(thread, runId(1))).toMatchObject({ ...runOf(), attempts: [{}, { attempt: 2 }] });
    });

    it('keep the complete message of a run', async () => {
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
        await new RunWriter(store, thread, run).stream('a');
      }
      const { runs } = await store.list(thread);
      for (const [index, message] of messages.entries()) {
        const read = await store.readRun(thread, runId(index));
        expect(read?.requestMessage === message).toBe(true);
        expect(runs.get(runId(index))?.requestMessage === message).toBe(true);
      }
    });

    it('contain the progress and outcome of each attempt', async () => {
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
        },
      ];
      const begun = { ...attemptOf(third, 3), eventCount: 0, lostEvents: 0 };
      expect(await first.read()).toEqual({ ...first.run, attempts: [...attempts, begun] });
      await third.append(finalEvent('d', '2026-01-07T15:43:00.000Z'));
      const ended = {
        ...begun,
        eventCount: 1,
        lastSequence: 5,
        outcome: 'final',
      };
      expect(await first.read()).toEqual({ ...first.run, attempts: [...attempts, ended] });
    });

    it('are returned with a page, for its events and for the newest attempt', async () => {
      const { store, thread } = context;
      const [first, second] = [writerFor(store, thread, 1), writerFor(store, thread, 2)];
      await first.stream('a');
      await first.final();
      await second.final();
      await writerFor(store, thread, 3).begin();
      const runsOf = async (sequence: number, limit?: number) => {
        const { runs } = await store.list(thread, { after: { sequence }, ...(limit !== undefined && { limit }) });
        return runs;
      };
      expect([...(await runsOf(0, 2)).keys()].toSorted()).toEqual([runId(1), runId(3)]);
      expect([...(await runsOf(1)).keys()].toSorted()).toEqual([runId(1), runId(2), runId(3)]);
      expect([...(await runsOf(3)).keys()]).toEqual([runId(3)]);
      for (const [id, run] of await runsOf(0)) expect(run).toEqual(await store.readRun(thread, id));
    });

    it('are removed with their thread', async () => {
      const { store, thread } = context;
      const [ended, begun] = [writerFor(store, thread, 1), writerFor(store, thread, 2)];
      await ended.final();
      await begun.begin();
      await store.clear(thread);
      expect(await ended.read()).toBeUndefined();
      expect(await begun.read()).toBeUndefined();
      await begun.final();
      expect(await begun.read()).toMatchObject({ ...begun.run, attempts: [{ attempt: 1, eventCount: 1 }] });
    });
  });
}

function attemptOf({ token, startedAt }: RunWriter, attempt: number) {
  return { attempt, token, startedAt };
}
