import { describe, expect, it } from 'vitest';
import { figuresOf, gapsOf, median, percentile } from '../../src/dashboard/page/thread/run-figures.js';
import { applyNews, EMPTY_THREAD } from '../../src/dashboard/page/thread/thread-state.js';
import { eventsOf, newsOf } from './support/telemetry-events.js';

const events = eventsOf({ correlationId: 'a', texts: ['a', 'b', 'c', 'd', 'e'], end: 'final' });

function runOf(news: ReturnType<typeof newsOf>) {
  const [run] = applyNews(EMPTY_THREAD, news).runs;
  if (run === undefined) throw new Error('There is no run');
  return run;
}

describe('the figures of a run', () => {
  it('count from the start of the run where the app tells it', () => {
    const started = events.map((event) => ({ ...event, run_started_at: '2026-01-07T15:39:59.800Z' }));
    expect(figuresOf(runOf(newsOf(started)), undefined)).toEqual({
      firstUpdateMs: 200,
      totalMs: 250,
      tokensPerSecond: 100,
      inputTokens: 7,
      outputTokens: 5,
    });
  });

  it('count from when this page sent the message where it does not', () => {
    const news = newsOf(events).map((item) => ({ ...item, receivedAtMs: 5_120 }));
    expect(figuresOf(runOf(news), 5_000)).toMatchObject({ firstUpdateMs: 120, totalMs: 170 });
  });

  it('leave out what nobody knows', () => {
    expect(figuresOf(runOf(newsOf(events)), undefined)).toMatchObject({ firstUpdateMs: undefined, totalMs: 50 });
    const failed = eventsOf({ correlationId: 'a', texts: [], end: 'failed' });
    expect(figuresOf(runOf(newsOf(failed)), undefined)).toEqual({
      firstUpdateMs: undefined,
      totalMs: undefined,
      tokensPerSecond: undefined,
      inputTokens: undefined,
      outputTokens: undefined,
    });
  });

  it('hold the gaps between updates only, of one run', () => {
    const { events: shown } = applyNews(EMPTY_THREAD, newsOf(events));
    expect(gapsOf(shown, 0)).toEqual([10, 10, 10, 10]);
    expect(gapsOf(shown, 1)).toEqual([]);
  });

  it('take the mean of the middle two as the median of an even number of values', () => {
    expect(median([])).toBeUndefined();
    expect(median([7])).toBe(7);
    expect(median([30, 10, 20])).toBe(20);
    expect(median([40, 10, 30, 20])).toBe(25);
  });

  it('take percentiles from the values that there are', () => {
    expect(percentile([], 0.5)).toBeUndefined();
    expect(percentile([30, 10, 20], 0.5)).toBe(20);
    expect(percentile([40, 30, 10, 20], 0.95)).toBe(40);
    expect(percentile([30, 10, 20], 0.95)).toBe(30);
  });
});
