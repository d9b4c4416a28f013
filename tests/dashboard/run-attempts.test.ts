import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TelemetryEvent } from '../../src/dashboard/page/api/telemetry-event.js';
import { figuresOf, gapsOf } from '../../src/dashboard/page/thread/run-figures.js';
import { answerOf } from '../../src/dashboard/page/thread/run.js';
import { supersededEvents } from '../../src/dashboard/page/thread/superseded-events.js';
import type { ThreadNews } from '../../src/dashboard/page/thread/thread-news.js';
import { applyNews, EMPTY_THREAD, type ThreadState } from '../../src/dashboard/page/thread/thread-state.js';
import type { TimelineEvent } from '../../src/dashboard/page/thread/timeline-event.js';
import { eventsOf, newsOf, type ToldRun, winningEvents } from './support/telemetry-events.js';

const half = { correlationId: 'a', attempt: 1, texts: ['Half ', 'an '] };
const whole = { correlationId: 'a', attempt: 2, texts: ['A ', 'whole ', 'answer'], end: 'final' } as const;
const record = eventsOf(half, whole);
const isOf = (attempt: number) => (event: TelemetryEvent) => event.attempt === attempt;
const [halfNews, wholeNews] = [newsOf(record.filter(isOf(1))), newsOf(record.filter(isOf(2)))];

function superseded(attempt: number, correlationId = 'a'): ThreadNews {
  return { type: 'superseded', correlationId, attempt };
}

describe('the attempts of a run', () => {
  it('take back what earlier ones told: text, events, figures', () => {
    const state = applyNews(EMPTY_THREAD, [...halfNews, ...wholeNews]);
    expect(state).toEqual(applyNews(EMPTY_THREAD, wholeNews));
    expect(state.runs.map(answerOf)).toEqual(['A whole answer']);
    expect(state.runs[0]).toMatchObject({ attempt: 2, updateCount: 3, wasRepeated: false, number: 1 });
    expect(state.events.map(({ sequence }) => sequence)).toEqual([3, 4, 5, 6]);
    expect(gapsOf(state.events, 0)).toEqual([10, 10]);
    const [run] = state.runs;
    expect(run && figuresOf(run, undefined)).toMatchObject({ totalMs: 30, outputTokens: 3 });
  });

  it('change nothing when they are smaller than the one that is shown', () => {
    const state = applyNews(EMPTY_THREAD, wholeNews);
    const late = halfNews.map((news, index) => {
      return news.type === 'event' ? { ...news, event: { ...news.event, sequence: 7 + index } } : news;
    });
    expect(applyNews(state, late)).toBe(state);
  });

  it('leave a run that starts again behind when they are superseded, and nothing of what it told', () => {
    const state = applyNews(EMPTY_THREAD, [...halfNews, superseded(1)]);
    expect(state.runs).toMatchObject([
      { requestMessage: 'request of a', attempt: 2, parts: [], outcome: { status: 'restarting' }, updateCount: 0 },
    ]);
    expect(state.events).toEqual([]);
    expect(applyNews(state, [superseded(1)])).toBe(state);
    expect(applyNews(state, wholeNews)).toEqual(applyNews(EMPTY_THREAD, wholeNews));
  });

  it('start again after an end as well', () => {
    const answered = newsOf(eventsOf({ ...half, end: 'final' }));
    const state = applyNews(EMPTY_THREAD, [...answered, superseded(1)]);
    expect(state.runs).toMatchObject([{ parts: [], outcome: { status: 'restarting' } }]);
  });

  it('stay as they are when another run, or a smaller one, is superseded', () => {
    const state = applyNews(EMPTY_THREAD, wholeNews);
    expect(applyNews(state, [superseded(1), superseded(9, 'unknown')])).toBe(state);
  });

  it('are taken for the first where the app does not tell them', () => {
    const untold = eventsOf({ correlationId: 'a', texts: ['Half'] });
    expect(applyNews(EMPTY_THREAD, newsOf(untold)).runs[0]).toMatchObject({ attempt: 1 });
    expect(applyNews(applyNews(EMPTY_THREAD, newsOf(untold)), wholeNews).runs.map(answerOf)).toEqual([
      'A whole answer',
    ]);
  });

  it('are forgotten by a reset', () => {
    const state = applyNews(EMPTY_THREAD, [...halfNews, superseded(1), { type: 'reset' }, ...halfNews]);
    expect(state).toEqual(applyNews(EMPTY_THREAD, halfNews));
  });

  it('end in exactly what the winning ones told, however they are cut off, told of and read again', () => {
    fc.assert(
      fc.property(histories, fc.array(steps, { maxLength: 60 }), (runs, taken) => {
        const events = eventsOf(...runs);
        const reader = new Reader(events);
        for (const step of taken) {
          reader.take(step);
          expect(reader.voidEvents()).toEqual([]);
        }
        reader.catchUp();
        const winning = winningEvents(events);
        const { runs: shown, events: timeline } = reader.state;
        const told = new Map(shown.map((run) => [run.correlationId, answerOf(run)]));
        expect(told).toEqual(new Map(winning.map((event) => [event.correlation_id, textOf(winning, event)])));
        expect(timeline.map(({ sequence }) => sequence)).toEqual(winning.map(({ sequence }) => sequence));
        expect(shown.filter(({ wasRepeated }) => wasRepeated)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});

describe('events that were lost', () => {
  it.each(['final', 'failed'] as const)('are counted at the end of a run that is %s, which is no repetition', (end) => {
    const events = eventsOf({ ...whole, end }).filter(({ sequence }) => sequence !== 2);
    const news = newsOf(events.map((event) => (event.event_type === end ? { ...event, lost_events: 1 } : event)));
    expect(applyNews(EMPTY_THREAD, news).runs).toMatchObject([{ lostEvents: 1, wasRepeated: false }]);
    expect(applyNews(EMPTY_THREAD, newsOf(events)).runs).toMatchObject([{ lostEvents: 0 }]);
  });
});

describe('superseded events', () => {
  it('are those of a whole record that the thread does not show', () => {
    const other = eventsOf(half, { correlationId: 'lost', attempt: 1, texts: ['x'] }, whole);
    const state = applyNews(EMPTY_THREAD, newsOf(other.filter(isOf(2))));
    expect(supersededEvents(other, state).map(({ sequence, runIndex, text }) => [sequence, runIndex, text])).toEqual([
      [1, 0, 'Half '],
      [2, 0, 'an '],
      [3, -1, 'x'],
    ]);
    expect(supersededEvents(record, applyNews(EMPTY_THREAD, halfNews))).toEqual([]);
  });
});

/** Up to three runs of up to four attempts each, one after the other in their run. */
const histories = fc
  .array(fc.array(fc.array(fc.string({ maxLength: 3 }), { maxLength: 4 }), { minLength: 1, maxLength: 4 }), {
    minLength: 1,
    maxLength: 3,
  })
  .chain((runs) => {
    const attempts = runs.flatMap((texts, run) => texts.map(() => run));
    return fc.shuffledSubarray(attempts, { minLength: attempts.length }).map((order) => {
      const next = runs.map(() => 0);
      return order.map((run): ToldRun => {
        const attempt = (next[run] ?? 0) + 1;
        next[run] = attempt;
        const texts = runs[run]?.[attempt - 1] ?? [];
        const isLast = attempt === runs[run]?.length;
        // An attempt may also be cut off behind its end, before the app could keep it.
        const isEnded = isLast || texts.length % 2 === 1;
        return { correlationId: `run-${run}`, attempt, texts, ...(isEnded && { end: 'final' }) };
      });
    });
  });

type Step =
  | { readonly type: 'next'; readonly count: number }
  | { readonly type: 'superseded'; readonly run: number; readonly isNews: boolean }
  | { readonly type: 'reconnect'; readonly back: number }
  | { readonly type: 'reset' };

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('next' as const), count: fc.integer({ min: 1, max: 4 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant('superseded' as const), run: fc.nat(3), isNews: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('reconnect' as const), back: fc.nat(8) }) },
  { weight: 1, arbitrary: fc.constant({ type: 'reset' as const }) },
);

/** Reads a record while it is made. */
class Reader {
  state: ThreadState = EMPTY_THREAD;
  readonly #record: readonly TelemetryEvent[];
  /** The highest attempt of each run that was said to be void. */
  readonly #void = new Map<string, number>();
  #madeCount = 0;

  constructor(events: readonly TelemetryEvent[]) {
    this.#record = events;
  }

  take(step: Step): void {
    switch (step.type) {
      case 'next':
        this.#tell(newsOf(this.#record.slice(this.#madeCount, this.#madeCount + step.count)));
        this.#madeCount = Math.min(this.#record.length, this.#madeCount + step.count);
        return;
      case 'superseded': {
        const correlationId = `run-${step.run}`;
        const latest = this.#made().findLast((event) => event.correlation_id === correlationId)?.attempt ?? 1;
        const highest = Math.max(
          1,
          ...this.#record.filter((event) => event.correlation_id === correlationId).map((event) => event.attempt ?? 1),
        );
        // The app tells it before the next attempt's first event; or once more, of one that is long gone.
        const attempt = step.isNews ? Math.min(latest, highest - 1) : latest - 1;
        this.#tell([superseded(attempt, correlationId)]);
        if (this.state.runIndexes.has(correlationId)) this.#void.set(correlationId, attempt);
        return;
      }
      case 'reconnect':
        this.#tell(newsOf(winningEvents(this.#made()).slice(-step.back)));
        return;
      case 'reset':
        this.#void.clear();
        this.#tell([{ type: 'reset' }, ...newsOf(winningEvents(this.#made()))]);
    }
  }

  /** What is shown though it should not be. */
  voidEvents(): readonly TimelineEvent[] {
    const { events, runs } = this.state;
    return events.filter(({ runIndex, attempt }) => {
      const run = runs[runIndex];
      return attempt !== run?.attempt || attempt <= (this.#void.get(run.correlationId) ?? 0);
    });
  }

  catchUp(): void {
    this.take({ type: 'next', count: this.#record.length });
  }

  #made(): readonly TelemetryEvent[] {
    return this.#record.slice(0, this.#madeCount);
  }

  #tell(news: readonly ThreadNews[]): void {
    this.state = applyNews(this.state, news);
  }
}

function textOf(events: readonly TelemetryEvent[], { correlation_id: run }: TelemetryEvent): string {
  return events
    .map((event) => (event.event_type === 'stream' && event.correlation_id === run ? event.text : ''))
    .join('');
}
