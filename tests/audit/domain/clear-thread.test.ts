import { beforeEach, describe, expect, it } from 'vitest';
import { clearThread } from '../../../src/audit/domain/thread-changes.js';
import { failedEvent, finalEvent, runId, runOf } from '../../support/callback-events.js';
import { STARTED_AT, kept, superseded, a, b, c, KeptThread } from './kept-thread.js';

let record: KeptThread;

beforeEach(() => {
  record = new KeptThread();
});

describe('clearing a thread', () => {
  it('starts a new epoch after the newest event, and epochs sort by time', () => {
    record.append(record.begin('one'), 0, a, b);
    const epochs = [record.head?.epoch ?? ''];
    for (const version of [3, 4]) {
      record.clear();
      const epoch = record.head?.epoch ?? '';
      expect(record.head).toEqual({ epoch, version, oldestSequence: 3, newestSequence: 2 });
      epochs.push(epoch);
    }
    expect(epochs).toEqual([...new Set(epochs)].toSorted());
  });

  it('does nothing for an unknown thread', () => {
    expect(clearThread(undefined)).toEqual({ result: undefined });
  });

  it('lets a running attempt continue, as the first of a new run', () => {
    record.begin('dead');
    const writer = record.begin('one');
    record.append(writer, 0, a, b);
    record.clear();
    expect(record.append(writer, 2, c, finalEvent())).toEqual(kept);
    expect(record.run()).toEqual({
      ...runOf(),
      attempts: [
        {
          attempt: 2,
          token: 'one',
          startedAt: STARTED_AT,
          eventCount: 4,
          lostEvents: 0,
          lastSequence: 4,
          outcome: 'final',
        },
      ],
    });
    expect(record.head).toMatchObject({
      totals: { runCount: 1 },
      newestAttempt: { correlationId: runId(1), attempt: 2 },
    });
    expect(record.append(writer, 2, c, finalEvent())).toEqual(kept);
    expect(record.events).toHaveLength(2);
  });

  it('lets either a dead attempt or its successor continue, but not both', () => {
    const zombie = record.begin('one');
    const successor = record.begin('two');
    record.clear();
    expect(record.append(zombie, 0, a)).toEqual(kept);
    expect(record.append(successor, 0, b)).toEqual(kept);
    expect(record.append(zombie, 1, c)).toEqual(superseded);
    expect(record.run().attempts.map(({ token }) => token)).toEqual(['one', 'two']);
    expect(record.begin('three')).toMatchObject({ attempt: 3 });
  });

  it('does not count a run as failed if its attempt replaces a failed one', () => {
    const zombie = record.begin('one');
    const successor = record.begin('two');
    record.clear();
    record.append(zombie, 0, failedEvent());
    expect(record.head?.totals).toMatchObject({ runCount: 1, failedRunCount: 1 });
    record.append(successor, 0, a);
    expect(record.head?.totals).toMatchObject({ runCount: 1, failedRunCount: 0 });
  });

  it.each([
    ['with the same number', []],
    ['with a higher number', ['dead', 'dead too']],
  ])('lets the next attempt supersede an earlier one %s', (_what, before) => {
    for (const token of before) record.begin(token);
    const zombie = record.begin('zombie');
    record.append(zombie, 0, a);
    record.clear();
    const successor = record.begin('successor', { startedAt: '2026-01-07T15:41:02.000Z' });
    expect(successor.attempt).toBe(1);
    expect(record.append(zombie, 1, b)).toEqual(superseded);
    expect(record.append(successor, 0, c)).toEqual(kept);
    expect(record.append(zombie, 1, b)).toEqual(superseded);
    expect(record.events).toMatchObject([{ ...c, attempt: 1, sequence: 2 }]);
  });

  it.each([
    ['that arrives late', 1],
    ['with a higher number', 3],
  ])('lets an attempt that started much later replace one %s, under a new number', (_what, number) => {
    for (let dead = 1; dead < number; dead += 1) record.begin(`dead ${dead}`);
    const late = record.begin('late');
    record.clear();
    const writer = record.begin('writer', { startedAt: '2026-01-07T15:42:00.000Z' });
    record.clear();
    expect(record.append(late, 0, a)).toEqual(kept);
    expect(record.append(writer, 0, b)).toEqual(kept);
    expect(record.append(late, 1, c)).toEqual(superseded);
    expect(record.append(writer, 1, finalEvent())).toEqual(kept);
    expect(record.events.map(({ attempt }) => attempt)).toEqual([number, number + 1, number + 1]);
    expect(record.head?.newestAttempt).toEqual({ correlationId: runId(1), attempt: number + 1 });
  });

  it('lets the next attempt supersede one that continued', () => {
    record.begin('dead');
    const zombie = record.begin('zombie');
    record.clear();
    record.append(zombie, 0, a);
    expect(record.begin('successor')).toMatchObject({ attempt: 3 });
    expect(record.append(zombie, 1, b)).toEqual(superseded);
  });
});
