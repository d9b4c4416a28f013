import { afterEach, describe, expect, it, vi } from 'vitest';
import { approvalIdOf, digestOf } from '../../../src/durable-agents/approvals/approval.js';
import { withWaitingState } from '../../../src/durable-agents/approvals/waiting-run.js';
import { decideApproval } from '../../../src/durable-agents/client/decide-approval.js';
import { UnavailableError } from '../../../src/functions/unavailable-error.js';
import { createThreadState, type ThreadState } from '../../../src/durable-agents/thread/thread-state.js';
import { FakeDurableClient } from '../../support/fake-durable-client.js';
import { runRequest } from '../../support/run-request.js';

const thread = { agentName: 'RefundAgent', threadId: 'refund' };
const request = runRequest({ message: 'Refund it.' });
const call = { callId: 'call-1', toolName: 'pay', arguments: { amount: 20 } };
const approvalId = approvalIdOf({ ...thread, ...request }, { round: 1, index: 0 }, call);

function waitingState(decision?: { token: string; digest: string }): ThreadState {
  const at = new Date().toISOString();
  const approval = { approvalId, round: 1, index: 0, ...call, requestedAt: at, expiresAt: '2999-01-01T00:00:00.000Z' };
  const decided = decision && { decision: { ...decision, state: 'approved' as const, decidedAt: at } };
  const waitingRun = { request, steps: {}, approvals: [{ ...approval, ...decided }] };
  return withWaitingState(createThreadState(), { waitingRun, deferredRuns: [], pastApprovals: [] });
}

function optionsFor(durable: FakeDurableClient, maxStateBytes = 900_000) {
  return { durableClient: durable.client, checkArguments: async (): Promise<void> => {}, maxStateBytes };
}

const undecided = { approvalId, approved: true, reason: undefined, arguments: undefined, decidedBy: undefined };
const LATER = '2999-01-01T00:00:00.000Z';
const PAST = '2026-01-07T15:40:00.000Z';

/** A state with this approval, which is in the waiting run unless it is past. */
function stateWith(fields: object, { isPast = false } = {}): ThreadState {
  const approval = { approvalId, round: 1, index: 0, ...call, requestedAt: PAST, expiresAt: LATER, ...fields };
  return withWaitingState(createThreadState(), {
    waitingRun: isPast ? undefined : { request, steps: {}, approvals: [approval] },
    deferredRuns: [],
    pastApprovals: isPast ? [{ ...approval, correlationId: 'past-run' }] : [],
  });
}

/** Decides on the approval of a state. The entity sets the state to what `stateAfter` returns for its input. */
function decide(
  state: ThreadState,
  fields: object = {},
  stateAfter: (input: Record<string, unknown>) => unknown = () => state,
) {
  const durable = new FakeDurableClient(() => {
    const input = durable.signals[0]?.input;
    return input === undefined ? state : stateAfter(input as Record<string, unknown>);
  });
  const checked: unknown[] = [];
  const checkArguments = async (...args: unknown[]) => void checked.push(args);
  const deciding = decideApproval(thread, { ...undecided, ...fields }, { ...optionsFor(durable), checkArguments });
  return { durable, checked, deciding };
}

const decidedBy = ({ token, digest, approved }: Record<string, unknown>) =>
  stateWith({ decision: { state: approved === true ? 'approved' : 'rejected', decidedAt: PAST, token, digest } });

const decidedEarlier = (input: Record<string, unknown>) => decidedBy({ ...input, token: 'another' });
const rejectedEarlier = () => decidedEarlier({ approved: false, digest: digestOf(false, undefined) });
const rejectArguments = async () => Promise.reject(new Error('amount: expected a number'));

afterEach(() => {
  vi.useRealTimers();
});

describe('a decision', () => {
  it('is sent to the entity with all that a person said', async () => {
    const fields = { approved: false, reason: 'Too much.', arguments: { amount: 5 }, decidedBy: 'user-7' };
    const { durable, checked, deciding } = decide(stateWith({}), fields, decidedBy);

    expect(await deciding).toMatchObject({ isNew: true, approval: { decision: { state: 'rejected' } } });

    expect(checked).toEqual([['pay', { amount: 5 }]]);
    expect(durable.signals).toEqual([
      {
        entityId: '@dafx-refundagent@refund',
        operationName: 'decide',
        input: {
          ...fields,
          approvalId,
          decidedAt: expect.stringMatching(/^\d{4}-.*Z$/),
          token: expect.stringMatching(/^[0-9a-f-]{36}$/),
          digest: digestOf(false, { amount: 5 }),
        },
      },
    ]);
  });

  it('is sent without what nobody said, and checks no arguments', async () => {
    const { durable, checked, deciding } = decide(stateWith({}), {}, decidedBy);

    await deciding;

    expect(checked).toEqual([]);
    const input = durable.signals[0]?.input;
    expect(Object.keys(input ?? {}).toSorted()).toEqual(['approvalId', 'approved', 'decidedAt', 'digest', 'token']);
  });

  it('is not sent if the edited arguments are wrong', async () => {
    const durable = new FakeDurableClient(() => stateWith({}));
    const options = { ...optionsFor(durable), checkArguments: rejectArguments };
    const edited = { ...undecided, arguments: { amount: 'all' } };

    await expect(decideApproval(thread, edited, options)).rejects.toThrow('amount');

    expect(durable.signals).toEqual([]);
  });

  it.each([true, false])('returns the same decision if it was made before (in a past run: %s)', async (isPast) => {
    const made = { state: 'approved', decidedAt: PAST, digest: digestOf(true, undefined) };
    const { durable, deciding } = decide(stateWith({ decision: made }, { isPast }));

    expect(await deciding).toMatchObject({
      isNew: false,
      correlationId: isPast ? 'past-run' : request.correlationId,
      approval: { decision: made },
    });
    expect(durable.signals).toEqual([]);
  });

  it.each([
    ['another one was made', { state: 'rejected', digest: 'x' }, 409, 'The call was rejected before.'],
    ['nobody made it in time', { state: 'expired' }, 410, 'The approval has expired: the call is not made.'],
  ])('is refused if %s', async (_what, made, status, message) => {
    const { durable, deciding } = decide(stateWith({ decision: { ...made, decidedAt: PAST } }));

    await expect(deciding).rejects.toMatchObject({ status, message });
    expect(durable.signals).toEqual([]);
  });

  it('is refused after the approval has expired, and resumes the run', async () => {
    const { durable, deciding } = decide(stateWith({ expiresAt: PAST }));

    await expect(deciding).rejects.toMatchObject({ status: 410 });

    expect(durable.signals).toEqual([{ entityId: '@dafx-refundagent@refund', operationName: 'resume', input: {} }]);
  });

  it('loses against one that the entity handles first, unless that is the same', async () => {
    expect(await decide(stateWith({}), {}, decidedEarlier).deciding).toMatchObject({ isNew: false });

    await expect(decide(stateWith({}), {}, rejectedEarlier).deciding).rejects.toMatchObject({
      status: 409,
      message: 'The call was rejected before.',
    });
  });

  it('is reported as unavailable if the entity does not handle it within ten seconds', async () => {
    vi.useFakeTimers();
    const { durable, deciding } = decide(stateWith({}));
    const failing = deciding.catch((error: unknown) => error);

    await vi.advanceTimersByTimeAsync(20_000);

    const error = await failing;
    expect(error).toBeInstanceOf(UnavailableError);
    expect(error).toMatchObject({
      message: 'The decision is not recorded yet. Repeat the request to get its result.',
    });
    const gaps = durable.reads.slice(1).map((time, index) => Math.round(time - (durable.reads[index] ?? 0)));
    expect(gaps.slice(0, 7)).toEqual([20, 40, 80, 160, 320, 500, 500]);
    expect(gaps).toHaveLength(24);
  });

  it('is refused if no thread has the approval, after two seconds in which it may be committed', async () => {
    vi.useFakeTimers();
    const { durable, deciding } = decide(stateWith({ approvalId: 'another' }));
    const failing = deciding.catch((error: unknown) => error);

    await vi.advanceTimersByTimeAsync(5000);

    expect(await failing).toMatchObject({
      status: 404,
      message: 'There is no approval with this id in the thread.',
    });
    expect(durable.signals).toEqual([]);
    expect(durable.reads.length).toBeGreaterThanOrEqual(20);
    expect(durable.reads.length).toBeLessThanOrEqual(22);
  });
});

describe('decideApproval', () => {
  const decision = { approvalId, approved: true, reason: undefined, arguments: undefined, decidedBy: undefined };

  it('waits for an approval whose event was seen before its state was committed', async () => {
    const durable = new FakeDurableClient((read) => {
      const input = durable.signals[0]?.input as { token: string; digest: string } | undefined;
      if (input !== undefined) return waitingState(input);
      return read < 3 ? undefined : waitingState();
    });
    const decided = await decideApproval(thread, decision, optionsFor(durable));
    expect(decided).toMatchObject({ isNew: true, correlationId: request.correlationId, approval: { approvalId } });
    expect(durable.signals.map(({ operationName }) => operationName)).toEqual(['decide']);
  });

  it('rejects edited arguments that do not fit into the state of the thread', async () => {
    const durable = new FakeDurableClient(() => waitingState());
    const edited = { ...decision, arguments: { amount: 5, note: 'x'.repeat(4096) } };
    await expect(decideApproval(thread, edited, optionsFor(durable, 4096))).rejects.toThrow(
      expect.objectContaining({
        status: 413,
        message:
          'The decision does not fit into the state of its thread, which has at most 4096 bytes ' +
          '(AGENT_MAX_STATE_BYTES). Shorten the reason or the edited arguments.',
      }),
    );
    expect(durable.signals).toEqual([]);
  });
});
