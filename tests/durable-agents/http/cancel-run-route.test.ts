import { HttpRequest } from '@azure/functions';
import { describe, expect, it } from 'vitest';
import { withWaitingState } from '../../../src/durable-agents/approvals/waiting-run.js';
import { createCancelRunRoute } from '../../../src/durable-agents/http/run-routes.js';
import { RunRecords } from '../../../src/durable-agents/runs/run-records.js';
import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';
import { createAccess } from '../../support/callback-invocation.js';
import { startDurableTaskServer } from '../../support/durable-task-server.js';
import { httpAnswer } from '../../support/http-answer.js';
import { runRequest } from '../../support/run-request.js';
import { threadState } from '../../support/thread-entries.js';

const waiting = runRequest({ correlationId: 'a'.repeat(32) });
const deferred = runRequest({ correlationId: 'b'.repeat(32) });
const call = { callId: 'call-1', toolName: 'pay', arguments: {}, round: 1, index: 0 };
const approval = { ...call, approvalId: 'a', requestedAt: waiting.createdAt, expiresAt: '2999-01-01T00:00:00.000Z' };
const approved = { ...approval, decision: { state: 'approved' as const, decidedAt: waiting.createdAt } };

/** Cancels a run of a thread whose first run waits for an approval and whose second one waits for the first. */
async function cancel(correlationId: string, options: { isDecided?: boolean; runRecords?: RunRecords } = {}) {
  const { isDecided = false, runRecords = new RunRecords(new MemoryKeyValueStore()) } = options;
  const waitingRun = { request: waiting, steps: {}, approvals: [isDecided ? approved : approval] };
  const state = withWaitingState(threadState(), { waitingRun, deferredRuns: [deferred], pastApprovals: [] });
  const server = await startDurableTaskServer(() => state, { states: { 'dafx-CallbackAgent/thread-1': state } });
  const request = new HttpRequest({
    method: 'POST',
    url: `http://localhost:7071/api/agents/CallbackAgent/threads/thread-1/runs/${correlationId}/cancel`,
    headers: { host: 'localhost:7071' },
    params: { agentName: 'CallbackAgent', thread_id: 'thread-1', correlation_id: correlationId },
  });
  const handler = createCancelRunRoute({ access: createAccess(), runRecords, unknownRunHint: 'See CALLBACK_STORE.' });
  const { status, text } = await httpAnswer(handler, request, server.context);
  return {
    status,
    json: JSON.parse(text),
    signals: server.signals.map(({ operation, input }) => ({ operation, input })),
  };
}

describe('cancelling a run whose record was lost with the memory of a process', () => {
  const resumed = [{ operation: 'resume', input: { cancels: waiting.correlationId } }];

  it('tells the entity if the run waits for approval', async () => {
    expect(await cancel(waiting.correlationId)).toMatchObject({
      status: 202,
      json: { status: 'waiting_for_approval', approvals: [{ approval_id: 'a' }] },
      signals: resumed,
    });
  });

  it('tells the entity if the run is about to continue', async () => {
    const answer = await cancel(waiting.correlationId, { isDecided: true });
    expect(answer).toMatchObject({ status: 202, json: { status: 'running' }, signals: resumed });
  });

  it('returns 404 for a run that waits for another one, which it cannot cancel', async () => {
    const error = 'There is no run with this correlation_id in the thread. See CALLBACK_STORE.';
    expect(await cancel(deferred.correlationId)).toEqual({ status: 404, json: { error }, signals: [] });
  });
});

describe('cancelling a run with a record', () => {
  it('ends it at once if it is queued, without a signal', async () => {
    const runRecords = new RunRecords(new MemoryKeyValueStore());
    await runRecords.accept({ ...deferred, agentName: 'CallbackAgent', threadId: 'thread-1' });

    const answer = await cancel(deferred.correlationId, { runRecords });

    expect(answer).toMatchObject({ status: 202, json: { status: 'cancelled', error_code: 'cancelled' }, signals: [] });
    expect(await cancel(deferred.correlationId, { runRecords })).toMatchObject({ status: 200, json: answer.json });
  });
});
