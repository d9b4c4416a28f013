import * as fc from 'fast-check';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { CallbackEvent } from '../../src/audit/domain/callback-event.js';
import type { TelemetryEvent } from '../../src/dashboard/page/api/telemetry-event.js';
import { answerOf } from '../../src/dashboard/page/thread/run.js';
import { applyChanges, EMPTY_THREAD } from '../../src/dashboard/page/thread/thread-state.js';
import { changesOf, eventsOf } from './support/telemetry-events.js';

const first = { correlationId: 'a', texts: ['Why ', 'did', ' the'], end: 'final' } as const;
const second = { correlationId: 'b', texts: ['cloud'], end: 'failed' } as const;

describe('applyChanges', () => {
  it('handles every event type that the app stores', () => {
    expectTypeOf<CallbackEvent>().toExtend<TelemetryEvent>();
  });

  it('separates runs, with their text and outcome', () => {
    const state = applyChanges(
      EMPTY_THREAD,
      changesOf(eventsOf(first, second, { correlationId: 'c', texts: ['stay'] })),
    );
    expect(state.runs.map((run) => [run.number, run.requestMessage, answerOf(run), run.outcome.status])).toEqual([
      [1, 'request of a', 'Why did the', 'answered'],
      [2, 'request of b', 'cloud', 'failed'],
      [3, 'request of c', 'stay', 'streaming'],
    ]);
    expect(state.runs[1]?.outcome).toEqual({ status: 'failed', code: 'stream_stalled', message: 'It went silent.' });
    expect(state.events.map(({ sequence, runIndex }) => [sequence, runIndex])).toEqual([
      [1, 0],
      [2, 0],
      [3, 0],
      [4, 0],
      [5, 1],
      [6, 1],
      [7, 2],
    ]);
  });

  it('returns the same state for any batching and any repeated events', () => {
    const changes = changesOf(eventsOf(first, second, { correlationId: 'c', texts: ['😀', '', '\n'], end: 'final' }));
    const whole = applyChanges(EMPTY_THREAD, changes);
    const batches = fc.array(fc.record({ from: fc.nat(changes.length), count: fc.integer({ min: 1, max: 4 }) }));
    fc.assert(
      fc.property(batches, (cuts) => {
        let state = EMPTY_THREAD;
        let end = 0;
        for (const { from, count } of [...cuts, { from: 0, count: changes.length }]) {
          const start = Math.min(from, end);
          end = Math.max(end, Math.min(changes.length, end + count));
          state = applyChanges(state, changes.slice(start, end));
        }
        expect(state).toEqual(whole);
      }),
    );
  });

  it('does not modify the previous state', () => {
    const changes = changesOf(eventsOf(first));
    const before = applyChanges(EMPTY_THREAD, changes.slice(0, 2));
    const copy = structuredClone(before);
    applyChanges(before, changes);
    expect(before).toEqual(copy);
  });

  it('returns the same objects for a state or run without changes', () => {
    const changes = changesOf(eventsOf(first, second));
    const before = applyChanges(EMPTY_THREAD, changes.slice(0, 5));
    expect(applyChanges(before, changes.slice(0, 4))).toBe(before);
    expect(applyChanges(before, changes).runs[0]).toBe(before.runs[0]);
  });

  it('drops everything on a reset or a new epoch', () => {
    const before = applyChanges(EMPTY_THREAD, changesOf(eventsOf(first, second)));
    const others = changesOf(eventsOf({ correlationId: 'd', texts: ['new'] }), 'e2');
    const expected = { ...applyChanges(EMPTY_THREAD, others), isBeginningLost: true };
    expect(applyChanges(before, [{ type: 'reset' }, ...others])).toEqual(expected);
    expect(applyChanges(before, others)).toEqual(expected);
    expect(applyChanges(before, [{ type: 'reset' }])).toEqual({ ...EMPTY_THREAD, isBeginningLost: true });
    expect(applyChanges(before, [{ type: 'reset' }, { type: 'reset' }, ...others])).toEqual(expected);
    expect(applyChanges(EMPTY_THREAD, [{ type: 'reset' }])).toEqual(EMPTY_THREAD);
  });

  it('shows the answer once if the app repeated an interrupted run without numbering attempts', () => {
    const cutOff = { correlationId: 'a', texts: ['Why ', 'd'] };
    const state = applyChanges(EMPTY_THREAD, changesOf(eventsOf(cutOff, first)));
    expect(state.runs.map((run) => [answerOf(run), run.wasRepeated])).toEqual([['Why did the', true]]);
    const after = applyChanges(EMPTY_THREAD, changesOf(eventsOf(first, { ...first, texts: ['Other'] })));
    expect(after.runs.map((run) => [answerOf(run), run.wasRepeated])).toEqual([['Other', true]]);
  });
});
