import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TelemetryEvent } from '../../src/dashboard/page/api/telemetry-event.js';
import { figuresOf, gapsOf } from '../../src/dashboard/page/thread/run-figures.js';
import { answerOf } from '../../src/dashboard/page/thread/run.js';
import { supersededEvents } from '../../src/dashboard/page/thread/superseded-events.js';
import type { ThreadChange } from '../../src/dashboard/page/thread/thread-change.js';
import { applyChanges, EMPTY_THREAD, type ThreadState } from '../../src/dashboard/page/thread/thread-state.js';
import type { TimelineEvent } from '../../src/dashboard/page/thread/timeline-event.js';
import { changesOf, eventsOf, type ScriptedRun, winningEvents } from './support/telemetry-events.js';

const half = { correlationId: 'a', attempt: 1, texts: ['Half ', 'an '] };
const whole = { correlationId: 'a', attempt: 2, texts: ['A ', 'whole ', 'answer'], end: 'final' } as const;
const record = eventsOf(half, whole);
const isOf = (attempt: number) => (event: TelemetryEvent) => event.attempt === attempt;
const [halfChanges, wholeChanges] = [changesOf(record.filter(isOf(1))), changesOf(record.filter(isOf(2)))];

function superseded(attempt: number, correlationId = 'a'): ThreadChange {
  return { type: 'superseded', correlationId, attempt };
}

describe('applyChanges: attempts of a run', () => {
  it('removes text, events and figures of earlier attempts', () => {
    const state = applyChanges(EMPTY_THREAD, [...halfChanges, ...wholeChanges]);
    expect(state).toEqual(applyChanges(EMPTY_THREAD, wholeChanges));
    expect(state.runs.map(answerOf)).toEqual(['A whole answer']);
    expect(state.runs[0]).toMatchObject({ attempt: 2, updateCount: 3, wasRepeated: false, number: 1 });
    expect(state.events.map(({ sequence }) => sequence)).toEqual([3, 4, 5, 6]);
    expect(gapsOf(state.events, 0)).toEqual([10, 10]);
    const [run] = state.runs;
    expect(run && figuresOf(run, undefined)).toMatchObject({ totalMs: 30, outputTokens: 3 });
  });

  it('ignores attempts before the shown one', () => {
    const state = applyChanges(EMPTY_THREAD, wholeChanges);
    const late = halfChanges.map((change, index) => {
      return change.type === 'event' ? { ...change, event: { ...change.event, sequence: 7 + index } } : change;
    });
    expect(applyChanges(state, late)).toBe(state);
  });

  it('shows a superseded run as restarting, without its text and events', () => {
    const state = applyChanges(EMPTY_THREAD, [...halfChanges, superseded(1)]);
    expect(state.runs).toMatchObject([
      { requestMessage: 'request of a', attempt: 2, parts: [], outcome: { status: 'restarting' }, updateCount: 0 },
    ]);
    expect(state.events).toEqual([]);
    expect(applyChanges(state, [superseded(1)])).toBe(state);
    expect(applyChanges(state, wholeChanges)).toEqual(applyChanges(EMPTY_THREAD, wholeChanges));
  });

  it('restarts a run that had ended', () => {
    const answered = changesOf(eventsOf({ ...half, end: 'final' }));
    const state = applyChanges(EMPTY_THREAD, [...answered, superseded(1)]);
    expect(state.runs).toMatchObject([{ parts: [], outcome: { status: 'restarting' } }]);
  });

  it('ignores a superseded notice for an earlier attempt or another run', () => {
    const state = applyChanges(EMPTY_THREAD, wholeChanges);
    expect(applyChanges(state, [superseded(1), superseded(9, 'unknown')])).toBe(state);
  });

  it('treats events without an attempt number as attempt 1', () => {
    const untold = eventsOf({ correlationId: 'a', texts: ['Half'] });
    expect(applyChanges(EMPTY_THREAD, changesOf(untold)).runs[0]).toMatchObject({ attempt: 1 });
    expect(applyChanges(applyChanges(EMPTY_THREAD, changesOf(untold)), wholeChanges).runs.map(answerOf)).toEqual([
      'A whole answer',
    ]);
  });

  it('forgets attempts on a reset', () => {
    const state = applyChanges(EMPTY_THREAD, [...halfChanges, superseded(1), { type: 'reset' }, ...halfChanges]);
    expect(state).toEqual(applyChanges(EMPTY_THREAD, halfChanges));
  });

  it('ends with exactly the latest attempts, however runs are interrupted, superseded and reread', () => {
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

describe('applyChanges: lost events', () => {
  it.each(['final', 'failed'] as const)('counts them from the %s event, without marking the run as repeated', (end) => {
    const events = eventsOf({ ...whole, end }).filter(({ sequence }) => sequence !== 2);
    const changes = changesOf(events.map((event) => (event.event_type === end ? { ...event, lost_events: 1 } : event)));
    expect(applyChanges(EMPTY_THREAD, changes).runs).toMatchObject([{ lostEvents: 1, wasRepeated: false }]);
    expect(applyChanges(EMPTY_THREAD, changesOf(events)).runs).toMatchObject([{ lostEvents: 0 }]);
  });
});

describe('supersededEvents', () => {
  it('returns the stored events that the thread does not show', () => {
    const other = eventsOf(half, { correlationId: 'lost', attempt: 1, texts: ['x'] }, whole);
    const state = applyChanges(EMPTY_THREAD, changesOf(other.filter(isOf(2))));
    expect(supersededEvents(other, state).map(({ sequence, runIndex, text }) => [sequence, runIndex, text])).toEqual([
      [1, 0, 'Half '],
      [2, 0, 'an '],
      [3, -1, 'x'],
    ]);
    expect(supersededEvents(record, applyChanges(EMPTY_THREAD, halfChanges))).toEqual([]);
  });
});

/** Up to three interleaved runs with up to four consecutive attempts each. */
const histories = fc
  .array(fc.array(fc.array(fc.string({ maxLength: 3 }), { maxLength: 4 }), { minLength: 1, maxLength: 4 }), {
    minLength: 1,
    maxLength: 3,
  })
  .chain((runs) => {
    const attempts = runs.flatMap((texts, run) => texts.map(() => run));
    return fc.shuffledSubarray(attempts, { minLength: attempts.length }).map((order) => {
      const next = runs.map(() => 0);
      return order.map((run): ScriptedRun => {
        const attempt = (next[run] ?? 0) + 1;
        next[run] = attempt;
        const texts = runs[run]?.[attempt - 1] ?? [];
        const isLast = attempt === runs[run]?.length;
        // An attempt can also be interrupted after its end, before the app saved it.
        const isEnded = isLast || texts.length % 2 === 1;
        return { correlationId: `run-${run}`, attempt, texts, ...(isEnded && { end: 'final' }) };
      });
    });
  });

type Step =
  | { readonly type: 'next'; readonly count: number }
  | { readonly type: 'superseded'; readonly run: number; readonly isCurrent: boolean }
  | { readonly type: 'reconnect'; readonly back: number }
  | { readonly type: 'reset' };

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('next' as const), count: fc.integer({ min: 1, max: 4 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant('superseded' as const), run: fc.nat(3), isCurrent: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('reconnect' as const), back: fc.nat(8) }) },
  { weight: 1, arbitrary: fc.constant({ type: 'reset' as const }) },
);

/** A reader of a record that grows. */
class Reader {
  state: ThreadState = EMPTY_THREAD;
  readonly #record: readonly TelemetryEvent[];
  /** The highest superseded attempt of each run. */
  readonly #void = new Map<string, number>();
  #madeCount = 0;

  constructor(events: readonly TelemetryEvent[]) {
    this.#record = events;
  }

  take(step: Step): void {
    switch (step.type) {
      case 'next':
        this.#apply(changesOf(this.#record.slice(this.#madeCount, this.#madeCount + step.count)));
        this.#madeCount = Math.min(this.#record.length, this.#madeCount + step.count);
        return;
      case 'superseded': {
        const correlationId = `run-${step.run}`;
        const latest = this.#made().findLast((event) => event.correlation_id === correlationId)?.attempt ?? 1;
        const highest = Math.max(
          1,
          ...this.#record.filter((event) => event.correlation_id === correlationId).map((event) => event.attempt ?? 1),
        );
        // The notice precedes the next attempt's first event, or repeats one for an older attempt.
        const attempt = step.isCurrent ? Math.min(latest, highest - 1) : latest - 1;
        this.#apply([superseded(attempt, correlationId)]);
        if (this.state.runIndexes.has(correlationId)) this.#void.set(correlationId, attempt);
        return;
      }
      case 'reconnect':
        this.#apply(changesOf(winningEvents(this.#made()).slice(-step.back)));
        return;
      case 'reset':
        this.#void.clear();
        this.#apply([{ type: 'reset' }, ...changesOf(winningEvents(this.#made()))]);
    }
  }

  /** Returns superseded events that are still shown. */
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

  #apply(changes: readonly ThreadChange[]): void {
    this.state = applyChanges(this.state, changes);
  }
}

function textOf(events: readonly TelemetryEvent[], { correlation_id: run }: TelemetryEvent): string {
  return events
    .map((event) => (event.event_type === 'stream' && event.correlation_id === run ? event.text : ''))
    .join('');
}
