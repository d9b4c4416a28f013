import { isEnded, type Run } from './run.js';
import type { TimelineEvent } from './timeline-event.js';

/** Measurements of a run. Times are in milliseconds. `undefined` means unknown so far. */
export interface RunFigures {
  readonly firstUpdateMs: number | undefined;
  readonly totalMs: number | undefined;
  readonly tokensPerSecond: number | undefined;
  readonly inputTokens: number | undefined;
  readonly outputTokens: number | undefined;
}

/**
 * @param sentAtMs - when this page sent the message, on the page's clock. Used as the start of the run if the app does
 *   not report one
 */
export function figuresOf(run: Run, sentAtMs: number | undefined): RunFigures {
  const firstUpdateMs = firstUpdateOf(run, sentAtMs);
  if (!isEnded(run)) {
    return { ...UNKNOWN, firstUpdateMs };
  }
  const streamedMs = run.lastEventAtMs - run.firstEventAtMs;
  const fromFirstUpdateMs = run.updateCount === 0 ? undefined : streamedMs + (firstUpdateMs ?? 0);
  const totalMs = run.isStartKnown ? run.lastEventAtMs - run.startedAtMs : fromFirstUpdateMs;
  const usage = run.outcome.status === 'answered' ? run.outcome.usage : null;
  return {
    firstUpdateMs,
    totalMs,
    // Excludes the wait for the first update.
    tokensPerSecond: usage !== null && streamedMs > 0 ? (usage.output_token_count / streamedMs) * 1000 : undefined,
    inputTokens: usage?.input_token_count,
    outputTokens: usage?.output_token_count,
  };
}

/** Returns the gaps between consecutive updates of a run, in milliseconds. */
export function gapsOf(events: readonly TimelineEvent[], runIndex: number): number[] {
  const gaps: number[] = [];
  let before: number | undefined;
  for (const event of events) {
    if (event.runIndex !== runIndex || event.type !== 'stream') continue;
    if (before !== undefined) gaps.push(Math.max(0, event.atMs - before));
    before = event.atMs;
  }
  return gaps;
}

/** Returns the median, or `undefined` if there are no values. */
export function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((one, other) => one - other);
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  const upper = sorted[Math.floor(sorted.length / 2)];
  return lower === undefined || upper === undefined ? undefined : (lower + upper) / 2;
}

/** Returns the percentile for a `share` from 0 to 1, or `undefined` if there are no values. */
export function percentile(values: readonly number[], share: number): number | undefined {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
}

const UNKNOWN: RunFigures = {
  firstUpdateMs: undefined,
  totalMs: undefined,
  tokensPerSecond: undefined,
  inputTokens: undefined,
  outputTokens: undefined,
};

function firstUpdateOf(run: Run, sentAtMs: number | undefined): number | undefined {
  if (run.updateCount === 0) return undefined;
  if (run.isStartKnown) return run.firstEventAtMs - run.startedAtMs;
  return sentAtMs === undefined ? undefined : Math.max(0, run.firstReceivedAtMs - sentAtMs);
}
