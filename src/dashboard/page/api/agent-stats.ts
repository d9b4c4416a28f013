import type { Cost } from './telemetry-event.js';

/*
 * Figures of an agent's runs over a time, with the wire names. Only the fields that the page uses.
 */

/** Counts of runs and sums of their usage. */
export interface RunSums {
  readonly runs: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly running: number;
  readonly waiting_for_approval: number;
  readonly input_token_count: number;
  readonly output_token_count: number;
  readonly cost?: Cost;
}

/** The median and the 95th percentile of durations in milliseconds; `null` if there are none. */
export interface Percentiles {
  readonly p50: number | null;
  readonly p95: number | null;
}

export interface AgentStats {
  readonly agent_name: string;
  /** End of the period: ISO 8601 in UTC. */
  readonly until: string;
  readonly bucket_seconds: number;
  /** Oldest first, without gaps. `start` is ISO 8601 in UTC. */
  readonly buckets: readonly (RunSums & { readonly start: string })[];
  readonly totals: RunSums;
  /** Failed runs by error code, most frequent first. */
  readonly failures: readonly { readonly error_code: string; readonly count: number }[];
  /** Of completed runs. */
  readonly first_update_ms: Percentiles;
  readonly total_ms: Percentiles;
  /** True if the period has more runs than the app reads at once. The figures then cover only the latest ones. */
  readonly truncated?: boolean;
}
