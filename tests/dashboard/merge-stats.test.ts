import { describe, expect, it } from 'vitest';
import type { AgentStats, RunSums } from '../../src/dashboard/page/api/agent-stats.js';
import { mergeBuckets, mergeCosts, mergeFailures } from '../../src/dashboard/page/overview/merge-stats.js';
import { NO_RUNS } from './support/scripted-app.js';

const START_MS = Date.parse('2026-01-07T12:00:00.000Z');

/** Figures in buckets of `bucketSeconds`. The first bucket starts `minutes` after noon. */
function statsOf(minutes: number, bucketSeconds: number, buckets: readonly Partial<RunSums>[]): AgentStats {
  const timeOf = (index: number): string =>
    new Date(START_MS + minutes * 60_000 + index * bucketSeconds * 1000).toISOString();
  return {
    agent_name: 'a',
    until: timeOf(buckets.length),
    bucket_seconds: bucketSeconds,
    buckets: buckets.map((sums, index) => ({ ...NO_RUNS, ...sums, start: timeOf(index) })),
    totals: NO_RUNS,
    failures: [],
    first_update_ms: { p50: null, p95: null },
    total_ms: { p50: null, p95: null },
  };
}

describe('the figures of several agents', () => {
  it('are merged by time, even if one agent started later or has wider buckets', () => {
    const fine = statsOf(0, 60, [{ completed: 1 }, { failed: 1 }, { completed: 2 }, { completed: 3, running: 1 }]);
    const coarse = statsOf(2, 120, [{ cancelled: 5, waiting_for_approval: 1 }]);
    expect(mergeBuckets([fine, coarse])).toEqual([
      { startMs: START_MS, completed: 1, failed: 1, cancelled: 0, open: 0 },
      { startMs: START_MS + 120_000, completed: 5, failed: 0, cancelled: 5, open: 2 },
    ]);
    expect(mergeBuckets([])).toEqual([]);
  });

  it('fit into 60 columns without losing a run', () => {
    const many = statsOf(
      0,
      60,
      Array.from({ length: 301 }, () => ({ completed: 1 })),
    );
    const merged = mergeBuckets([many]);
    expect(merged).toHaveLength(60);
    expect(merged.reduce((sum, { completed }) => sum + completed, 0)).toBe(301);
  });

  it('name error codes and currencies once each', () => {
    const one = {
      ...statsOf(0, 60, []),
      failures: [
        { error_code: 'x', count: 2 },
        { error_code: 'y', count: 1 },
      ],
    };
    const other = { ...statsOf(0, 60, []), failures: [{ error_code: 'y', count: 4 }] };
    expect(mergeFailures([one, other])).toEqual([
      ['y', 5],
      ['x', 2],
    ]);
    const costing = (amount: number, currency: string): AgentStats => ({
      ...one,
      totals: { ...NO_RUNS, cost: { amount, currency } },
    });
    expect(mergeCosts([costing(1, 'USD'), costing(2, 'EUR'), costing(0.5, 'USD'), one])).toEqual([
      { amount: 1.5, currency: 'USD' },
      { amount: 2, currency: 'EUR' },
    ]);
  });
});
