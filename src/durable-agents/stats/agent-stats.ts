import { addCost, type RunCost } from '../model-price.js';
import type { RunFigures } from '../runs/run-figures.js';

/** Sums over runs that have started. */
export interface RunSums {
  readonly runs: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly running: number;
  readonly waitingForApproval: number;
  /** Tokens and costs of completed runs. For other runs they are unknown. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Undefined if no run has a cost. */
  readonly cost: RunCost | undefined;
}

/** The runs that were accepted in one part of the period. */
export interface StatsBucket extends RunSums {
  /** Milliseconds since 1970. */
  readonly startMs: number;
}

/** Percentiles of durations, by the nearest rank. */
export interface Percentiles {
  readonly count: number;
  /** Undefined if the count is 0. */
  readonly p50: number | undefined;
  readonly p95: number | undefined;
}

export interface AgentStats {
  readonly totals: RunSums;
  /** Oldest first, without gaps, starting with the bucket of `sinceMs`. */
  readonly buckets: readonly StatsBucket[];
  /** Number of failed runs by code, most frequent first. */
  readonly failures: readonly { readonly errorCode: string; readonly count: number }[];
  /** Of completed runs, from the acceptance of the request. */
  readonly firstUpdateMs: Percentiles;
  readonly totalMs: Percentiles;
}

export interface StatsPeriod {
  readonly sinceMs: number;
  /** Exclusive. */
  readonly untilMs: number;
  readonly bucketMs: number;
}

/** @param runs - the runs of the period, newest first */
export function sumRuns(runs: readonly RunFigures[], { sinceMs, untilMs, bucketMs }: StatsPeriod): AgentStats {
  // Sums are in one currency. Runs from before a change of the currency add no cost.
  const currency = runs.find(({ cost }) => cost !== undefined)?.cost?.currency;
  const firstMs = Math.floor(sinceMs / bucketMs) * bucketMs;
  const bucketCount = Math.max(0, Math.ceil((untilMs - firstMs) / bucketMs));
  const runsOf = Array.from({ length: bucketCount }, (): RunFigures[] => []);
  for (const run of runs) runsOf[Math.floor((run.acceptedMs - firstMs) / bucketMs)]?.push(run);
  const completed = runs.filter(({ status }) => status === 'completed');
  return {
    totals: sumOf(runs, currency),
    buckets: runsOf.map((own, index) => ({ startMs: firstMs + index * bucketMs, ...sumOf(own, currency) })),
    failures: countFailures(runs),
    firstUpdateMs: percentilesOf(completed.flatMap(({ firstUpdateMs }) => firstUpdateMs ?? [])),
    totalMs: percentilesOf(completed.flatMap(({ totalMs }) => totalMs ?? [])),
  };
}

function sumOf(runs: readonly RunFigures[], currency: string | undefined): RunSums {
  const count = (wanted: RunFigures['status']): number => runs.filter(({ status }) => status === wanted).length;
  const add = (valueOf: (run: RunFigures) => number | undefined): number =>
    runs.reduce((sum, run) => sum + (valueOf(run) ?? 0), 0);
  const costs = runs.flatMap(({ cost }) => (cost?.currency === currency ? (cost ?? []) : []));
  return {
    runs: runs.length,
    completed: count('completed'),
    failed: count('failed'),
    cancelled: count('cancelled'),
    running: count('running'),
    waitingForApproval: count('waiting_for_approval'),
    inputTokens: add(({ inputTokens }) => inputTokens),
    outputTokens: add(({ outputTokens }) => outputTokens),
    cost: costs.reduce<RunCost | undefined>(addCost, undefined),
  };
}

function countFailures(runs: readonly RunFigures[]): AgentStats['failures'] {
  const counts = new Map<string, number>();
  for (const { status, errorCode = 'agent_error' } of runs) {
    if (status === 'failed') counts.set(errorCode, (counts.get(errorCode) ?? 0) + 1);
  }
  const failures = [...counts].map(([errorCode, count]) => ({ errorCode, count }));
  return failures.toSorted((one, other) => other.count - one.count || one.errorCode.localeCompare(other.errorCode));
}

function percentilesOf(durations: readonly number[]): Percentiles {
  const sorted = durations.toSorted((one, other) => one - other);
  const at = (share: number): number | undefined => sorted[Math.ceil(share * sorted.length) - 1];
  return { count: sorted.length, p50: at(0.5), p95: at(0.95) };
}
