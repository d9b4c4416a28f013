import { describe, expect, it } from 'vitest';
import type { TelemetryEvent } from '../../src/dashboard/page/api/telemetry-event.js';
import type { RunRecord } from '../../src/dashboard/page/api/run-record.js';
import { stepsOf } from '../../src/dashboard/page/thread/run-steps.js';
import { applyChanges, EMPTY_THREAD } from '../../src/dashboard/page/thread/thread-state.js';
import { toTimelineEvent } from '../../src/dashboard/page/thread/timeline-event.js';
import { approvalEvent, changesOf, runOfTools, START_MS, toolCall, toolResult } from './support/telemetry-events.js';

const call = { call_id: 'c1', tool_name: 'look_up' };

/** Steps as [title, start, end], in milliseconds after the run was accepted. */
function stepsOfEvents(events: readonly TelemetryEvent[], record?: RunRecord, earlier: readonly TelemetryEvent[] = []) {
  const state = applyChanges(EMPTY_THREAD, changesOf(events));
  const [run] = state.runs;
  if (run === undefined) throw new Error('There is no run');
  const before = earlier.map((event) => toTimelineEvent(event, -1));
  return stepsOf(run, state.events, before, record).map(({ title, startMs, endMs, isFailed, events: own }) => ({
    step: [title, startMs - START_MS, endMs === undefined ? undefined : endMs - START_MS],
    isFailed,
    sequences: own.map(({ sequence }) => sequence),
  }));
}

describe('the steps of a run', () => {
  it('are the queue, each model call, and each tool call', () => {
    const events = runOfTools([
      [100, { update_kind: 'text', text: 'Let me look. ' }],
      [200, toolCall({ ...call, arguments: { id: 7 } })],
      [250, toolResult({ ...call, result: 'seven', duration_ms: 30 })],
      [400, { update_kind: 'text', text: 'Seven.', round: 2 }],
      [500, 'final'],
    ]);
    const record: RunRecord = { message: 'm', started_at: new Date(START_MS + 40).toISOString() };
    expect(stepsOfEvents(events, record)).toEqual([
      { step: ['Queue', 0, 40], isFailed: false, sequences: [] },
      { step: ['Model call 1', 40, 200], isFailed: false, sequences: [1, 2] },
      { step: ['look_up', 200, 230], isFailed: false, sequences: [2, 3] },
      { step: ['Model call 2', 250, 500], isFailed: false, sequences: [4, 5] },
    ]);
  });

  it('let calls of one answer run side by side, and mark one that failed', () => {
    const other = { call_id: 'c2', tool_name: 'count' };
    const events = runOfTools([
      [100, toolCall(call)],
      [101, toolCall(other)],
      [900, toolResult({ ...call, duration_ms: 700 })],
      [901, toolResult({ ...other, duration_ms: 5, is_error: true })],
      [950, { update_kind: 'text', text: 'Done.', round: 2 }],
      [999, 'final'],
    ]);
    expect(stepsOfEvents(events).map(({ step, isFailed }) => [...step, isFailed])).toEqual([
      ['Model call 1', 0, 101, false],
      ['look_up', 100, 800, false],
      ['count', 101, 106, true],
      ['Model call 2', 901, 999, false],
    ]);
  });

  it('show a tool that waits for approval, then runs once it is approved', () => {
    const asked = [
      [100, toolCall(call)],
      [110, approvalEvent({ ...call, state: 'requested' })],
    ] as const;
    expect(stepsOfEvents(runOfTools(asked)).map(({ step }) => step)).toEqual([
      ['Model call 1', 0, 100],
      ['Approval of look_up', 110, undefined],
    ]);
    const decided = runOfTools([
      ...asked,
      [5_000, approvalEvent({ ...call, state: 'approved' })],
      [5_060, toolResult({ ...call, duration_ms: 50 })],
    ]);
    expect(stepsOfEvents(decided).map(({ step }) => step)).toEqual([
      ['Model call 1', 0, 100],
      ['Approval of look_up', 110, 5_000],
      ['look_up', 5_000, 5_050],
      ['Model call 2', 5_060, undefined],
    ]);
  });

  it('end with a run that was stopped while it waited', () => {
    const events = runOfTools([
      [100, toolCall(call)],
      [110, approvalEvent({ ...call, state: 'requested' })],
      [900, 'failed'],
    ]);
    expect(stepsOfEvents(events).map(({ step, isFailed }) => [...step, isFailed])).toEqual([
      ['Model call 1', 0, 100, false],
      ['Approval of look_up', 110, 900, true],
    ]);
  });

  it('keep the refusal of a tool that never ran with its approval', () => {
    const events = runOfTools([
      [100, toolCall(call)],
      [110, approvalEvent({ ...call, state: 'requested' })],
      [800, approvalEvent({ ...call, state: 'rejected' })],
      [801, toolResult({ ...call, result: 'Refused.', is_error: true, duration_ms: 0 })],
      [900, { update_kind: 'text', text: 'I may not.', round: 2 }],
      [950, 'final'],
    ]);
    expect(stepsOfEvents(events)).toEqual([
      { step: ['Model call 1', 0, 100], isFailed: false, sequences: [1] },
      { step: ['Approval of look_up', 110, 800], isFailed: true, sequences: [2, 3, 4] },
      { step: ['Model call 2', 801, 950], isFailed: false, sequences: [5, 6] },
    ]);
  });

  it('include a model call that failed before its first update', () => {
    expect(stepsOfEvents(runOfTools([[700, 'failed']]))).toEqual([
      { step: ['Model call 1', 0, 700], isFailed: true, sequences: [1] },
    ]);
  });

  it('end with the earlier attempts', () => {
    const first = runOfTools([
      [10, { update_kind: 'text', text: 'Half' }],
      [60, { update_kind: 'text', text: ' an' }],
    ]);
    const second = runOfTools(
      [
        [300, { update_kind: 'text', text: 'Whole.' }],
        [400, 'final'],
      ],
      2,
    );
    expect(stepsOfEvents(second, undefined, first).map(({ step }) => step)).toEqual([
      ['Model call 1', 0, 400],
      ['Attempt 1, interrupted', 10, 60],
    ]);
  });
});
