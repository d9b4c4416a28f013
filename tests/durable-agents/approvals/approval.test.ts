import { describe, expect, it } from 'vitest';
import {
  type Approval,
  approvalIdOf,
  approvalSchema,
  digestOf,
  refusalOf,
  toApprovalUpdate,
  toRequestedUpdate,
} from '../../../src/durable-agents/approvals/approval.js';
import { RunApprovals } from '../../../src/durable-agents/approvals/run-approvals.js';
import { storedApproval } from '../../support/stored-approval.js';

const run = { agentName: 'PayAgent', threadId: 'thread-1', correlationId: 'a'.repeat(32) };
const position = { round: 1, index: 0 };
const call = { callId: 'pay-1', toolName: 'pay', arguments: { amount: 20 } };
const requestedAt = '2026-01-07T15:40:00.000Z';

const approval = storedApproval({ ...call, expiresAt: '2026-01-07T16:40:00.000Z' });
const decided = (decision: Partial<NonNullable<Approval['decision']>>): Approval => ({
  ...approval,
  decision: { state: 'approved', decidedAt: '2026-01-07T15:50:00.000Z', ...decision },
});

function approvalsOfRun(known: readonly Approval[] = []): RunApprovals {
  return new RunApprovals({ run, known, timeoutMs: 3_600_000, now: () => new Date(requestedAt) });
}

describe('the id of an approval', () => {
  it('has 32 hexadecimal digits and is the same for the same call', () => {
    expect(approvalIdOf(run, position, call)).toMatch(/^[0-9a-f]{32}$/);
    expect(approvalIdOf({ ...run }, { ...position }, { ...call })).toBe(approvalIdOf(run, position, call));
  });

  it('differs if anything differs that a person sees', () => {
    const ids = [
      approvalIdOf(run, position, call),
      approvalIdOf({ ...run, agentName: 'Other' }, position, call),
      approvalIdOf({ ...run, threadId: 'thread-2' }, position, call),
      approvalIdOf({ ...run, correlationId: 'b'.repeat(32) }, position, call),
      approvalIdOf(run, { round: 2, index: 0 }, call),
      approvalIdOf(run, { round: 1, index: 1 }, call),
      approvalIdOf(run, position, { ...call, callId: 'pay-2' }),
      approvalIdOf(run, position, { ...call, toolName: 'refund' }),
      approvalIdOf(run, position, { ...call, arguments: { amount: 30 } }),
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('the digest of a decision', () => {
  it('has 32 hexadecimal digits and tells decisions and edits apart', () => {
    const digests = [
      digestOf(true, undefined),
      digestOf(false, undefined),
      digestOf(true, {}),
      digestOf(true, { a: 1 }),
    ];

    for (const digest of digests) expect(digest).toMatch(/^[0-9a-f]{32}$/);
    expect(new Set(digests).size).toBe(4);
    expect(digestOf(true, { a: 1 })).toBe(digests[3]);
  });
});

describe('the update of an approval', () => {
  const requested = {
    kind: 'approval',
    text: '',
    approvalId: 'id-1',
    ...call,
    state: 'requested',
    expiresAt: '2026-01-07T16:40:00.000Z',
  };

  it('shows the call and when its approval expires, without a decision', () => {
    expect(toRequestedUpdate(approval)).toEqual(requested);
    expect(toApprovalUpdate(approval)).toEqual(requested);
    expect(toRequestedUpdate(decided({}))).toEqual(requested);
  });

  it.each([
    [{}, {}],
    [
      { state: 'rejected', decidedBy: 'ann', reason: 'Too much' },
      { state: 'rejected', decidedBy: 'ann', reason: 'Too much' },
    ],
    [{ arguments: { amount: 5 } }, { arguments: { amount: 5 }, argumentsEdited: true }],
    [{ argumentsEdited: true }, { argumentsEdited: true }],
  ] as const)('shows the decision %j', (decision, shown) => {
    expect(toApprovalUpdate(decided(decision))).toEqual({
      ...requested,
      state: 'approved',
      decidedAt: '2026-01-07T15:50:00.000Z',
      ...shown,
    });
  });
});

describe('a call that needs approval', () => {
  it.each([
    [undefined, undefined],
    [{ state: 'approved' }, undefined],
    [{ state: 'rejected' }, 'Error: A person rejected this call, so it was not made.'],
    [
      { state: 'rejected', reason: 'Too much' },
      'Error: A person rejected this call, so it was not made. Reason: Too much',
    ],
    [{ state: 'expired', reason: 'Late' }, 'Error: Nobody approved this call in time, so it was not made.'],
  ] as const)('with the decision %j has the result: %s', (decision, result) => {
    const refusal = refusalOf(decision === undefined ? approval : decided(decision));

    expect(refusal).toEqual(result === undefined ? undefined : { result, isError: true, durationMs: 0 });
  });
});

describe('a stored approval', () => {
  it('is read as it was written', () => {
    const stored = decided({ decidedBy: 'ann', reason: 'Fine', arguments: { amount: 5 }, token: 't', digest: 'd' });
    expect(approvalSchema.parse(JSON.parse(JSON.stringify(stored)))).toEqual(stored);
    expect(approvalSchema.parse(approval)).toEqual(approval);
  });

  it.each([
    { ...approval, round: 0 },
    { ...approval, round: 1.5 },
    { ...approval, index: -1 },
    { ...approval, arguments: 'all' },
    { ...approval, decision: { state: 'maybe', decidedAt: requestedAt } },
    { ...approval, decision: { state: 'approved', decidedAt: requestedAt, argumentsEdited: false } },
    { ...approval, expiresAt: undefined },
  ])('is rejected if it is malformed: %j', (stored) => {
    expect(approvalSchema.safeParse(stored).success).toBe(false);
  });
});

describe('the approvals of a run', () => {
  it('are requested for a time and can then be found by their position', () => {
    const all = approvalsOfRun();

    const requested = all.request({ round: 2, index: 1 }, call);

    expect(requested).toEqual({
      approvalId: approvalIdOf(run, { round: 2, index: 1 }, call),
      round: 2,
      index: 1,
      ...call,
      requestedAt,
      expiresAt: '2026-01-07T16:40:00.000Z',
    });
    expect(all.find({ round: 2, index: 1 })).toBe(requested);
    expect(all.find({ round: 2, index: 0 })).toBeUndefined();
    expect(all.find({ round: 1, index: 1 })).toBeUndefined();
  });

  it('include those of earlier deliveries, in order, and leave their list alone', () => {
    const known = [approval];
    const all = approvalsOfRun(known);

    const requested = all.request({ round: 1, index: 1 }, call);

    expect(all.all).toEqual([approval, requested]);
    expect(all.find(position)).toBe(approval);
    expect(known).toEqual([approval]);
  });

  it('cannot be requested for arguments that are not an object', () => {
    expect(() => approvalsOfRun().request(position, { ...call, arguments: '{"amount":' })).toThrow(
      expect.objectContaining({ code: 'agent_error', message: 'A call without arguments cannot be approved.' }),
    );
  });
});
