import { describe, expect, it } from 'vitest';
import { figuresOf, gapsOf, median, percentile } from '../../src/dashboard/page/thread/run-figures.js';
import { applyChanges, EMPTY_THREAD } from '../../src/dashboard/page/thread/thread-state.js';
import { changesOf, eventsOf } from './support/telemetry-events.js';

const events = eventsOf({ correlationId: 'a', texts: ['a', 'b', 'c', 'd', 'e'], end: 'final' });

function runOf(changes: ReturnType<typeof changesOf>) {
  const [run] = applyChanges(EMPTY_THREAD, changes).runs;
  if (run === undefined) throw new Error('There is no run');
  return run;
}

describe('the figures of a run', () => {
  it("start at the run's reported start", () => {
    const started = events.map((event) => ({ ...event, run_started_at: '2026-01-07T15:39:59.800Z' }));
    expect(figuresOf(runOf(changesOf(started)), undefined)).toEqual({
      firstUpdateMs: 200,
      totalMs: 250,
      tokensPerSecond: 100,
      inputTokens: 7,
      outputTokens: 5,
    });
  });

  it('start when the page sent the message if the app reports no start', () => {
    const changes = changesOf(events).map((item) => ({ ...item, receivedAtMs: 5_120 }));
    expect(figuresOf(runOf(changes), 5_000)).toMatchObject({ firstUpdateMs: 120, totalMs: 170 });
  });

  it('are undefined when unknown', () => {
    expect(figuresOf(runOf(changesOf(events)), undefined)).toMatchObject({ firstUpdateMs: undefined, totalMs: 50 });
    const failed = eventsOf({ correlationId: 'a', texts: [], end: 'failed' });
    expect(figuresOf(runOf(changesOf(failed)), undefined)).toEqual({
      firstUpdateMs: undefined,
      totalMs: undefined,
      tokensPerSecond: undefined,
      inputTokens: undefined,
      outputTokens: undefined,
    });
  });

  it('include the gaps between updates of that run only', () => {
    const { events: shown } = applyChanges(EMPTY_THREAD, changesOf(events));
    expect(gapsOf(shown, 0)).toEqual([10, 10, 10, 10]);
    expect(gapsOf(shown, 1)).toEqual([]);
  });

  it('use the mean of the middle two values as the median of an even number of values', () => {
    expect(median([])).toBeUndefined();
    expect(median([7])).toBe(7);
    expect(median([30, 10, 20])).toBe(20);
    expect(median([40, 10, 30, 20])).toBe(25);
  });

  it('use an actual value as a percentile', () => {
    expect(percentile([], 0.5)).toBeUndefined();
    expect(percentile([30, 10, 20], 0.5)).toBe(20);
    expect(percentile([40, 30, 10, 20], 0.95)).toBe(40);
    expect(percentile([30, 10, 20], 0.95)).toBe(30);
  });
});
