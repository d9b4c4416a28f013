import { describe, expect, it } from 'vitest';
import {
  interruptedRuns,
  invertedOrder,
  orderAt,
  RunOrder,
  runPosition,
} from '../../../src/durable-agents/runs/run-order.js';
import { queuedRun } from '../../../src/durable-agents/runs/run-record.js';

const thread = { agentName: 'ScriptedAgent', threadId: 'thread-1' };

function queued(correlationId: string, order: string, interrupts = false) {
  const run = { ...thread, correlationId, message: 'Hi', createdAt: '2026-01-07T15:40:00.000Z' };
  return { ...queuedRun(run, order), ...(interrupts && { interrupts }) };
}

describe('the order of a run', () => {
  it('has 13 digits for the time and 5 for the count, so that it sorts as text', () => {
    expect(orderAt(1_767_800_400_000)).toBe('176780040000000000');
    expect(orderAt(7, 42)).toBe('000000000000700042');
  });

  it('increases within a millisecond, and when the clock goes back', () => {
    const times = [1000, 1000, 900, 1001, 1001, 5000];
    const order = new RunOrder(() => new Date(times.shift() ?? 0));

    const orders = Array.from({ length: 6 }, () => order.next());

    expect(orders).toEqual([
      orderAt(1000),
      orderAt(1000, 1),
      orderAt(1000, 2),
      orderAt(1001),
      orderAt(1001, 1),
      orderAt(5000),
    ]);
  });

  it('is inverted digit by digit, and the same when inverted twice', () => {
    expect(invertedOrder('0123456789')).toBe('9876543210');
    expect(invertedOrder(invertedOrder('176780040000000000'))).toBe('176780040000000000');
  });
});

describe('the position of a run', () => {
  it('sorts the newest run first, and consists of inverted order and correlation id', () => {
    expect(runPosition({ order: '12', correlationId: 'a1' })).toBe('87|a1');
  });
});

describe('the runs that a run interrupts', () => {
  const [first, second, third] = [queued('c', '1'), queued('b', '2', true), queued('a', '3')];

  it('are the earlier ones', () => {
    expect(interruptedRuns([first, second, third], second)).toEqual([first]);
  });

  it('include itself if a later one interrupts it', () => {
    const later = queued('d', '4', true);
    expect(interruptedRuns([first, second, third, later], second)).toEqual([first, second]);
  });

  it('do not include itself if the later one does not interrupt', () => {
    expect(interruptedRuns([second, third], second)).toEqual([]);
  });

  it('are determined by the correlation id if the order is the same', () => {
    const [one, other] = [queued('a', '1', true), queued('b', '1', true)];
    expect(interruptedRuns([one, other], one)).toEqual([one]);
    expect(interruptedRuns([one, other], other)).toEqual([one]);
  });
});
