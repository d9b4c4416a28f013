import { describe, expect, it } from 'vitest';
import type { Approval } from '../../../src/durable-agents/approvals/approval.js';
import { withWaitingState } from '../../../src/durable-agents/approvals/waiting-run.js';
import { readRun } from '../../../src/durable-agents/client/read-run.js';
import { RunRecords } from '../../../src/durable-agents/runs/run-records.js';
import { createThreadState, type ThreadState } from '../../../src/durable-agents/thread/thread-state.js';
import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';
import { FakeDurableClient } from '../../support/fake-durable-client.js';
import { createRecordingLog } from '../../support/recording-log.js';
import { runRequest } from '../../support/run-request.js';
import { threadState, turnEntries } from '../../support/thread-entries.js';

const request = runRequest();
const { correlationId } = request;
const run = { ...request, agentName: 'RefundAgent', threadId: 'thread-1' };
const LATER = '2999-01-01T00:00:00.000Z';

function approvalOf(callId: string, fields: Partial<Approval> = {}): Approval {
  const call = { callId, toolName: 'pay', arguments: { amount: 20 } };
  return { approvalId: callId, round: 1, index: 0, ...call, requestedAt: run.createdAt, expiresAt: LATER, ...fields };
}

const approved = { decision: { state: 'approved', decidedAt: run.createdAt } } as const;
const expired = { expiresAt: run.createdAt };

/** The state of a thread whose run waits for these approvals. */
function waitingFor(...approvals: Approval[]): ThreadState {
  const waitingRun = { request, steps: {}, approvals };
  return withWaitingState(createThreadState(), { waitingRun, deferredRuns: [], pastApprovals: [] });
}

function createReader(stateOf: () => unknown, runRecords = new RunRecords(new MemoryKeyValueStore())) {
  const durable = new FakeDurableClient(stateOf);
  const options = { durableClient: durable.client, runRecords, log: createRecordingLog() };
  return { durable, runRecords, read: (id = correlationId) => readRun({ ...run, correlationId: id }, options) };
}

describe('reading a run that waits for approval', () => {
  it('shows the calls that can still be approved', async () => {
    const state = waitingFor(approvalOf('call-1', approved), approvalOf('call-2'), approvalOf('call-3', expired));
    const { runRecords, read, durable } = createReader(() => state);
    await runRecords.suspend(run, undefined);

    expect(await read()).toMatchObject({
      status: 'waiting_for_approval',
      approvals: [{ callId: 'call-2' }],
    });
    expect(durable.signals).toMatchObject([{ operationName: 'resume' }]);
  });

  it.each([
    ['before its state is committed, in a new thread', undefined, []],
    ['before its state is committed, in another thread', threadState(), []],
    ['after all calls are decided', waitingFor(approvalOf('call-1', approved)), []],
    ['after all calls have expired, and resumes it', waitingFor(approvalOf('call-1', expired)), ['resume']],
  ])('shows it as running %s', async (_when, state, signals) => {
    const { runRecords, read, durable } = createReader(() => state);
    await runRecords.suspend(run, undefined);

    const known = await read();

    expect(known?.status).toBe('running');
    expect(known).not.toHaveProperty('approvals');
    expect(durable.signals.map(({ operationName }) => operationName)).toEqual(signals);
  });

  it('finds it without a record, and the messages that wait for it', async () => {
    const later = runRequest({ correlationId: 'b'.repeat(32), message: 'And now?' });
    const waitingRun = { request, steps: {}, approvals: [approvalOf('call-1')] };
    const waiting = { waitingRun, deferredRuns: [later], pastApprovals: [] };
    const { read } = createReader(() => withWaitingState(createThreadState(), waiting));

    expect(await read()).toMatchObject({ status: 'waiting_for_approval', message: request.message, attempt: 1 });
    expect(await read(later.correlationId)).toMatchObject({ status: 'queued', message: 'And now?', attempt: 0 });
    expect(await read('c'.repeat(32))).toBeUndefined();
  });
});

describe('reading a run that ends meanwhile', () => {
  it('shows its recorded end, which has more than the conversation', async () => {
    const records = new RunRecords(new MemoryKeyValueStore());
    const end = { status: 'completed', response: 'Sunny.', messageCount: 2, finishReason: 'length' } as const;
    const { read } = createReader(async () => {
      await records.end(run, { ...end, cost: { amount: 1, currency: 'EUR' }, firstUpdateAt: LATER });
      return threadState(...turnEntries(correlationId, run.message, { $type: 'text', text: 'Sunny.' }));
    }, records);
    await records.begin(run, 1);

    expect(await read()).toMatchObject({ ...end, cost: { amount: 1 }, firstUpdateAt: LATER });
  });
});
