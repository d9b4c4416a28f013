import type { Approval } from '../../src/durable-agents/approvals/approval.js';

/** An approval that waits for a decision until the year 2999, with overrides. */
export function storedApproval(fields: Partial<Approval> = {}): Approval {
  return {
    approvalId: 'id-1',
    round: 1,
    index: 0,
    callId: 'call-1',
    toolName: 'pay',
    arguments: { amount: 20 },
    requestedAt: '2026-01-07T15:40:00.000Z',
    expiresAt: '2999-01-01T00:00:00.000Z',
    ...fields,
  };
}
