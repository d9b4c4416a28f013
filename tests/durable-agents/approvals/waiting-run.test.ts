import { describe, expect, it } from 'vitest';
import type { Approval } from '../../../src/durable-agents/approvals/approval.js';
import {
  decidableApprovals,
  expiredApprovals,
  hasExpiredApprovals,
  isEmptyState,
  nextExpiry,
  openApprovals,
  type PastApproval,
  stateWithDecision,
  type WaitingRun,
  waitingStateOf,
  withDecision,
  withoutWaitingRun,
  withWaitingState,
} from '../../../src/durable-agents/approvals/waiting-run.js';
import { ThreadStateError } from '../../../src/durable-agents/errors.js';
import type { ThreadState } from '../../../src/durable-agents/thread/thread-state.js';
import { runRequest } from '../../support/run-request.js';
import { storedApproval } from '../../support/stored-approval.js';
import { threadState, turnEntries } from '../../support/thread-entries.js';

const at = (minute: number): string => `2026-01-07T15:${String(minute).padStart(2, '0')}:00.000Z`;
const request = runRequest();
const nothing = { waitingRun: undefined, deferredRuns: [], pastApprovals: [] };
const decision = { state: 'approved', decidedAt: at(1) } as const;

const approval = (index: number, expiresAt: string, fields: Partial<Approval> = {}): Approval =>
  storedApproval({ approvalId: `id-${index}`, index, expiresAt, ...fields });

const waitingRun: WaitingRun = {
  request,
  steps: {},
  approvals: [approval(0, at(30)), approval(1, at(20)), approval(2, at(10), { decision }), approval(3, at(40))],
};
const idsOf = (approvals: readonly Approval[]) => approvals.map(({ approvalId }) => approvalId);
const past = (index: number): PastApproval => ({ ...approval(index, at(5)), correlationId: 'c'.repeat(32) });

const withData = (extensionData: unknown, state: ThreadState = threadState()): ThreadState => ({
  ...state,
  data: { ...state.data, extensionData },
});

const stateOf = (run?: WaitingRun): ThreadState => withWaitingState(threadState(), { ...nothing, waitingRun: run });

describe('the waiting run in the state of a thread', () => {
  it('is absent by default', () => {
    expect(waitingStateOf(threadState())).toEqual(nothing);
    expect(waitingStateOf(withData({}))).toEqual(nothing);
  });

  it('is read as it was written, beside the data of others', () => {
    const waiting = { waitingRun, deferredRuns: [request], pastApprovals: [past(1)] };
    const state = withWaitingState(withData({ ownerId: 'ann' }, threadState(...turnEntries('r', 'Hi'))), waiting);

    expect(waitingStateOf(JSON.parse(JSON.stringify(state)))).toEqual(waiting);
    expect(state.data['extensionData']).toMatchObject({ ownerId: 'ann' });
    expect(state.data.conversationHistory).toHaveLength(2);
  });

  it('leaves nothing behind when it is removed', () => {
    const waiting = { waitingRun, deferredRuns: [request], pastApprovals: [past(1)] };
    const state = withWaitingState(withData({ ownerId: 'ann' }), waiting);

    expect(withWaitingState(state, nothing).data['extensionData']).toEqual({ ownerId: 'ann' });
    expect(withWaitingState(withData({}), nothing).data['extensionData']).toEqual({});
    expect(withWaitingState(threadState(), nothing)).toEqual(threadState());
    expect(withWaitingState(withData(7), nothing).data['extensionData']).toEqual({});
  });

  it('that this version cannot read fails with the place', () => {
    const state = withData({ waitingRun: { ...waitingRun, request: { ...request, message: 7 } } });

    expect(() => waitingStateOf(state)).toThrow(ThreadStateError);
    expect(() => waitingStateOf(state)).toThrow(
      'The stored state of this thread has a waiting run that cannot be read, at waitingRun.request.message.',
    );
  });
});

describe('a thread', () => {
  it.each<[string, boolean, ThreadState]>([
    ['nothing', true, threadState()],
    ['past approvals only', true, withWaitingState(threadState(), { ...nothing, pastApprovals: [past(1)] })],
    ['a turn', false, threadState(...turnEntries('r', 'Hi'))],
    ['a waiting run', false, withWaitingState(threadState(), { ...nothing, waitingRun })],
    ['a deferred run', false, withWaitingState(threadState(), { ...nothing, deferredRuns: [request] })],
  ])('with %s is empty: %s', (_what, isEmpty, state) => {
    expect(isEmptyState(state)).toBe(isEmpty);
  });
});

describe('the approvals of a waiting run', () => {
  it('are open until they are decided', () => {
    expect(idsOf(openApprovals(waitingRun))).toEqual(['id-0', 'id-1', 'id-3']);
  });

  it('can be decided until the moment at which they expire', () => {
    const before = new Date(Date.parse(at(20)) - 1);
    expect(idsOf(decidableApprovals(waitingRun, before))).toEqual(['id-0', 'id-1', 'id-3']);
    expect(idsOf(expiredApprovals(waitingRun, before))).toEqual([]);
    expect(idsOf(decidableApprovals(waitingRun, new Date(at(20))))).toEqual(['id-0', 'id-3']);
    expect(idsOf(expiredApprovals(waitingRun, new Date(at(20))))).toEqual(['id-1']);
  });

  it('expire next at the earliest time of those that are open', () => {
    expect(nextExpiry(waitingRun)).toBe(at(20));
    expect(nextExpiry({ ...waitingRun, approvals: [approval(2, at(10), { decision })] })).toBeUndefined();
  });

  it('get a decision only if they are meant', () => {
    const { approvals, ...rest } = withDecision(waitingRun, [approval(1, at(20))], { ...decision, reason: 'Fine' });

    expect(rest).toEqual({ request, steps: {} });
    expect(approvals.map((one) => one.decision)).toEqual([
      undefined,
      { ...decision, reason: 'Fine' },
      decision,
      undefined,
    ]);
  });
});

describe('a thread with a waiting run', () => {
  const future: WaitingRun = { ...waitingRun, approvals: [approval(0, '2999-01-01T00:00:00.000Z')] };

  it('can continue if an approval has expired', () => {
    expect(hasExpiredApprovals(stateOf(waitingRun))).toBe(true);
    expect(hasExpiredApprovals(stateOf(waitingRun), request.correlationId)).toBe(true);
    expect(hasExpiredApprovals(stateOf(waitingRun), 'f'.repeat(32))).toBe(false);
    expect(hasExpiredApprovals(stateOf(future))).toBe(false);
    expect(hasExpiredApprovals(stateOf())).toBe(false);
  });

  it('takes a decision if its state stays within its limit', () => {
    const decided = stateWithDecision(stateOf(waitingRun), approval(1, at(20)), decision, 900_000);

    expect(waitingStateOf(decided!.state).waitingRun?.approvals[1]).toEqual(approval(1, at(20), { decision }));
    expect(stateWithDecision(stateOf(waitingRun), approval(1, at(20)), decision, 500)).toBeUndefined();
  });

  it('takes no decision without a waiting run', () => {
    const decided = stateWithDecision(stateOf(), approval(1, at(20)), decision, 900_000);

    expect(waitingStateOf(decided!.state)).toEqual(nothing);
  });
});

describe('a run that no longer waits', () => {
  it('leaves its approvals without their arguments, and says which were edited', () => {
    const edited = { ...decision, decidedBy: 'ann', arguments: { amount: 5 } };
    const run = { ...waitingRun, approvals: [approval(0, at(30), { decision: edited }), approval(1, at(20))] };

    expect(withoutWaitingRun({ waitingRun: run, deferredRuns: [request], pastApprovals: [past(7)] })).toEqual({
      waitingRun: undefined,
      deferredRuns: [request],
      pastApprovals: [
        past(7),
        {
          ...approval(0, at(30)),
          arguments: {},
          correlationId: request.correlationId,
          decision: { ...decision, decidedBy: 'ann', argumentsEdited: true },
        },
        { ...approval(1, at(20)), arguments: {}, correlationId: request.correlationId },
      ],
    });
  });

  it('keeps the newest 20 past approvals, but all of its own', () => {
    const many = Array.from({ length: 22 }, (_, index) => past(index));
    const kept = (approvals: readonly Approval[]) =>
      idsOf(
        withoutWaitingRun({
          waitingRun: { ...waitingRun, approvals: [...approvals] },
          deferredRuns: [],
          pastApprovals: many,
        }).pastApprovals,
      );
    const own = Array.from({ length: 25 }, (_, index) => approval(100 + index, at(30)));

    expect(kept([approval(99, at(30))])).toEqual([...idsOf(many).slice(3), 'id-99']);
    expect(kept(own)).toEqual(idsOf(own));
    expect(
      withoutWaitingRun({ waitingRun: undefined, deferredRuns: [], pastApprovals: many }).pastApprovals,
    ).toHaveLength(20);
  });
});
