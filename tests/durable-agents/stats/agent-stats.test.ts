import { describe, expect, it } from 'vitest';
import type { RunFigures } from '../../../src/durable-agents/runs/run-figures.js';
import { sumRuns } from '../../../src/durable-agents/stats/agent-stats.js';

const period = { sinceMs: 1000, untilMs: 4000, bucketMs: 1000 };
const none = {
  runs: 0,
  completed: 0,
  failed: 0,
  cancelled: 0,
  running: 0,
  waitingForApproval: 0,
  inputTokens: 0,
  outputTokens: 0,
  cost: undefined,
};

const runAt = (acceptedMs: number, fields: Partial<RunFigures> = {}): RunFigures => ({
  status: 'completed',
  acceptedMs,
  ...fields,
});
const failedWith = (errorCode?: string) => runAt(1000, { status: 'failed', ...(errorCode && { errorCode }) });

describe('the sums of runs', () => {
  it('count each status, and add tokens and costs', () => {
    const cost = { amount: 0.5, currency: 'USD' };
    const runs = [
      runAt(1000, { inputTokens: 3, outputTokens: 2, cost }),
      runAt(1000, { inputTokens: 4, outputTokens: 1, cost }),
      failedWith('rate_limited'),
      ...(['cancelled', 'running', 'waiting_for_approval', 'queued'] as const).map((status) => runAt(1000, { status })),
    ];

    expect(sumRuns(runs, period).totals).toEqual({
      runs: 7,
      completed: 2,
      failed: 1,
      cancelled: 1,
      running: 1,
      waitingForApproval: 1,
      inputTokens: 7,
      outputTokens: 3,
      cost: { amount: 1, currency: 'USD' },
    });
  });

  it('are zero without runs, in buckets without gaps', () => {
    const noTimes = { count: 0, p50: undefined, p95: undefined };
    expect(sumRuns([], period)).toEqual({
      totals: none,
      buckets: [1000, 2000, 3000].map((startMs) => ({ startMs, ...none })),
      failures: [],
      firstUpdateMs: noTimes,
      totalMs: noTimes,
    });
  });

  it('have only costs in the currency of the newest cost', () => {
    const runs = [
      runAt(3000),
      runAt(2500, { cost: { amount: 2, currency: 'EUR' } }),
      runAt(2000, { cost: { amount: 5, currency: 'USD' } }),
      runAt(1000, { cost: { amount: 1, currency: 'EUR' } }),
    ];

    const { totals, buckets } = sumRuns(runs, period);

    expect(totals.cost).toEqual({ amount: 3, currency: 'EUR' });
    expect(buckets.map(({ cost }) => cost?.amount)).toEqual([1, 2, undefined]);
  });
});

describe('the buckets of a period', () => {
  it('start at multiples of their size, and contain the runs that were accepted in them', () => {
    const runs = [2999, 2000, 1999, 1500].map((ms) => runAt(ms));

    const { buckets } = sumRuns(runs, { sinceMs: 1500, untilMs: 3001, bucketMs: 1000 });

    expect(buckets.map(({ startMs, runs: count }) => [startMs, count])).toEqual([
      [1000, 2],
      [2000, 2],
      [3000, 0],
    ]);
  });

  it('end before the end of the period, which is exclusive', () => {
    const starts = [2000, 2001, 1000, 0].map((untilMs) =>
      sumRuns([], { sinceMs: 1000, untilMs, bucketMs: 1000 }).buckets.map(({ startMs }) => startMs),
    );

    expect(starts).toEqual([[1000], [1000, 2000], [], []]);
  });
});

describe('the failures of runs', () => {
  it('are counted by code, most frequent first, then by name', () => {
    const runs = ['b', 'c', 'a', 'c', undefined].map(failedWith);
    const notFailed = runAt(1000, { status: 'cancelled', errorCode: 'cancelled' });

    expect(sumRuns([...runs, notFailed], period).failures).toEqual([
      { errorCode: 'c', count: 2 },
      { errorCode: 'a', count: 1 },
      { errorCode: 'agent_error', count: 1 },
      { errorCode: 'b', count: 1 },
    ]);
  });
});

describe('the durations of runs', () => {
  it('are percentiles by the nearest rank, of completed runs that have them', () => {
    const runs = Array.from({ length: 20 }, (_, index) =>
      runAt(1000, { totalMs: 2000 - index * 100, firstUpdateMs: 7 }),
    );
    const other = runAt(1000, { status: 'failed', totalMs: 1, firstUpdateMs: 1 });

    const stats = sumRuns([...runs, other, runAt(1000)], period);

    expect(stats.totalMs).toEqual({ count: 20, p50: 1000, p95: 1900 });
    expect(stats.firstUpdateMs).toEqual({ count: 20, p50: 7, p95: 7 });
  });

  it('of one run are all the same', () => {
    expect(sumRuns([runAt(1000, { totalMs: 0 })], period).totalMs).toEqual({ count: 1, p50: 0, p95: 0 });
  });
});
