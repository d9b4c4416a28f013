import * as fc from 'fast-check';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { CallbackEvent } from '../../src/audit/domain/callback-event.js';
import type { TelemetryEvent } from '../../src/dashboard/page/api/telemetry-event.js';
import { answerOf } from '../../src/dashboard/page/thread/run.js';
import { applyNews, EMPTY_THREAD } from '../../src/dashboard/page/thread/thread-state.js';
import { eventsOf, newsOf } from './support/telemetry-events.js';

const first = { correlationId: 'a', texts: ['Why ', 'did', ' the'], end: 'final' } as const;
const second = { correlationId: 'b', texts: ['cloud'], end: 'failed' } as const;

describe('the state of a thread', () => {
  it('understands every event that the app keeps', () => {
    expectTypeOf<CallbackEvent>().toExtend<TelemetryEvent>();
  });

  it('sets runs apart, with their text and how they ended', () => {
    const state = applyNews(EMPTY_THREAD, newsOf(eventsOf(first, second, { correlationId: 'c', texts: ['stay'] })));
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

  it('is the same however the events are cut into batches, and whichever of them come twice', () => {
    const news = newsOf(eventsOf(first, second, { correlationId: 'c', texts: ['😀', '', '\n'], end: 'final' }));
    const whole = applyNews(EMPTY_THREAD, news);
    const batches = fc.array(fc.record({ from: fc.nat(news.length), count: fc.integer({ min: 1, max: 4 }) }));
    fc.assert(
      fc.property(batches, (cuts) => {
        let state = EMPTY_THREAD;
        let end = 0;
        for (const { from, count } of [...cuts, { from: 0, count: news.length }]) {
          const start = Math.min(from, end);
          end = Math.max(end, Math.min(news.length, end + count));
          state = applyNews(state, news.slice(start, end));
        }
        expect(state).toEqual(whole);
      }),
    );
  });

  it('does not change what it was made from', () => {
    const news = newsOf(eventsOf(first));
    const before = applyNews(EMPTY_THREAD, news.slice(0, 2));
    const copy = structuredClone(before);
    applyNews(before, news);
    expect(before).toEqual(copy);
  });

  it('stays the very same object, and each run of it, when nothing new is told about it', () => {
    const news = newsOf(eventsOf(first, second));
    const before = applyNews(EMPTY_THREAD, news.slice(0, 5));
    expect(applyNews(before, news.slice(0, 4))).toBe(before);
    expect(applyNews(before, news).runs[0]).toBe(before.runs[0]);
  });

  it('forgets everything on a reset, and when the events are those of another record', () => {
    const before = applyNews(EMPTY_THREAD, newsOf(eventsOf(first, second)));
    const others = newsOf(eventsOf({ correlationId: 'd', texts: ['new'] }), 'e2');
    const expected = { ...applyNews(EMPTY_THREAD, others), isBeginningLost: true };
    expect(applyNews(before, [{ type: 'reset' }, ...others])).toEqual(expected);
    expect(applyNews(before, others)).toEqual(expected);
    expect(applyNews(before, [{ type: 'reset' }])).toEqual({ ...EMPTY_THREAD, isBeginningLost: true });
    expect(applyNews(before, [{ type: 'reset' }, { type: 'reset' }, ...others])).toEqual(expected);
    expect(applyNews(EMPTY_THREAD, [{ type: 'reset' }])).toEqual(EMPTY_THREAD);
  });

  it('shows the answer once when the app was interrupted in a run and repeated it', () => {
    const cutOff = { correlationId: 'a', texts: ['Why ', 'd'] };
    const state = applyNews(EMPTY_THREAD, newsOf(eventsOf(cutOff, first)));
    expect(state.runs.map((run) => [answerOf(run), run.wasRepeated])).toEqual([['Why did the', true]]);
    const after = applyNews(EMPTY_THREAD, newsOf(eventsOf(first, { ...first, texts: ['Other'] })));
    expect(after.runs.map((run) => [answerOf(run), run.wasRepeated])).toEqual([['Other', true]]);
  });
});
