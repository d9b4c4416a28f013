import { describe, expect, it } from 'vitest';
import { approvalIdOf } from '../../../src/durable-agents/approvals/approval.js';
import { withWaitingState } from '../../../src/durable-agents/approvals/waiting-run.js';
import { decideApproval } from '../../../src/durable-agents/client/decide-approval.js';
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

  it('rejects an approval that no thread has', async () => {
    const durable = new FakeDurableClient(() => waitingState());
    const unknown = { ...decision, approvalId: 'another' };
    await expect(decideApproval(thread, unknown, optionsFor(durable))).rejects.toThrow(
      'There is no approval with this id in the thread.',
    );
    expect(durable.signals).toEqual([]);
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
