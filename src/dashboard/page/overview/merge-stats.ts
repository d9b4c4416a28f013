import type { AgentStats } from '../api/agent-stats.js';
import type { Cost } from '../api/telemetry-event.js';

/** The runs of an interval, by outcome. */
export interface RunBucket {
  /** Milliseconds since 1970. */
  readonly startMs: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Running or waiting. */
  readonly open: number;
}

const MOST_BUCKETS = 60;

/** Merges the runs of all agents over time, even if the buckets of some agents start later or are wider. */
export function mergeBuckets(stats: readonly AgentStats[]): RunBucket[] {
  const all = stats.flatMap(({ buckets }) =>
    buckets.map((bucket) => ({ ...bucket, startMs: Date.parse(bucket.start) })),
  );
  if (all.length === 0) return [];
  const firstMs = Math.min(...all.map(({ startMs }) => startMs));
  const endMs = Math.max(...stats.map(({ until }) => Date.parse(until)), firstMs + 1);
  const widthMs = Math.max(...stats.map((each) => each.bucket_seconds * 1000), (endMs - firstMs) / MOST_BUCKETS);
  const merged = Array.from({ length: Math.ceil((endMs - firstMs) / widthMs) }, (_, index) => ({
    startMs: firstMs + index * widthMs,
    completed: 0,
    failed: 0,
    cancelled: 0,
    open: 0,
  }));
  for (const { startMs, completed, failed, cancelled, running, waiting_for_approval: waiting } of all) {
    const bucket = merged[Math.floor((startMs - firstMs) / widthMs)];
    if (bucket === undefined) continue;
    bucket.completed += completed;
    bucket.failed += failed;
    bucket.cancelled += cancelled;
    bucket.open += running + waiting;
  }
  return merged;
}

/** Returns the failed runs of all agents by error code, most frequent first. */
export function mergeFailures(stats: readonly AgentStats[]): [code: string, count: number][] {
  const counts = new Map<string, number>();
  for (const { error_code: code, count } of stats.flatMap(({ failures }) => failures)) {
    counts.set(code, (counts.get(code) ?? 0) + count);
  }
  return [...counts].toSorted(([, one], [, other]) => other - one);
}

/** Returns one sum for each currency. */
export function mergeCosts(stats: readonly AgentStats[]): Cost[] {
  const sums = new Map<string, number>();
  for (const { cost } of stats.map(({ totals }) => totals)) {
    if (cost !== undefined) sums.set(cost.currency, (sums.get(cost.currency) ?? 0) + cost.amount);
  }
  return [...sums].map(([currency, amount]) => ({ currency, amount }));
}

export function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
