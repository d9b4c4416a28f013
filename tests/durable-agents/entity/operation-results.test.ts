import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Tombstones } from '../../../src/durable-agents/runs/tombstones.js';
import { ownedBy, ownerOf, parseThreadState } from '../../../src/durable-agents/thread/thread-state.js';
import { ThreadIndex } from '../../../src/durable-agents/threads/thread-index.js';
import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';
import { HookedKeyValueStore } from '../../support/hooked-key-value-store.js';
import { runRequest } from '../../support/run-request.js';
import { threadState } from '../../support/thread-entries.js';
import { ApprovalThread, asking, first, NOW, run, second, thread } from './approval-thread.js';
import { operate, sunny } from './operate-entity.js';

const ofFirst = { correlation_id: first.correlationId };

/** Performs an operation. @returns its result */
async function resultOf(target: ApprovalThread, operationName: string, input?: unknown): Promise<unknown> {
  await target.operate(operationName, input);
  expect(target.results).toHaveLength(1);
  return target.results[0];
}

describe('the result of an operation', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: new Date(NOW), toFake: ['Date'] });
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it('says that a run waits for approval, also if it is delivered or resumed again', async () => {
    const target = new ApprovalThread({ answers: asking });

    expect(await resultOf(target, 'run', first)).toEqual({ status: 'waiting_for_approval', ...ofFirst });
    const before = target.stored;
    expect(await resultOf(target, 'run', first)).toEqual({ status: 'waiting_for_approval', ...ofFirst });
    expect(await resultOf(target, 'resume')).toEqual({ status: 'waiting_for_approval', ...ofFirst });
    expect(target.stored).toBe(before);
    const list = new ThreadIndex(target.storage);
    expect(await list.find(thread)).toMatchObject({ status: 'waiting_for_approval' });
  });

  it('says that a message is queued, and stores it once', async () => {
    const target = new ApprovalThread({ answers: asking });
    await target.operate('run', first);
    const queued = { status: 'queued', correlation_id: second.correlationId };

    expect(await resultOf(target, 'run', second)).toEqual(queued);
    const before = target.stored;
    expect(await resultOf(target, 'run', second)).toEqual(queued);

    expect(target.stored).toBe(before);
    expect(target.waiting.deferredRuns).toHaveLength(1);
  });

  it('of a decision is its state, or why it is not accepted', async () => {
    const target = new ApprovalThread({ answers: asking });
    const unknown = { approvalId: 'x', approved: true, decidedAt: NOW, token: 't', digest: 'd' };
    expect(await resultOf(target, 'decide', unknown)).toEqual({ status: 'unknown' });
    await target.operate('run', first);

    expect(await resultOf(target, 'decide', unknown)).toEqual({ status: 'unknown' });
    expect(await resultOf(target, 'decide', { approved: true })).toEqual({ error: 'Invalid decision.' });
    await target.decide('pay-1', { approved: true });
    expect(target.results).toEqual([{ status: 'approved' }]);
    await target.decide('pay-1', { approved: false });
    expect(target.results).toEqual([{ status: 'approved' }]);
    vi.setSystemTime('2026-01-07T16:40:00.000Z');
    expect(await target.decide('pay-2', { approved: true })).toEqual(['resume']);
    expect(target.results).toEqual([{ status: 'expired' }]);
    expect(target.approvals.map(({ decision }) => decision?.state)).toEqual(['approved', undefined]);
  });

  it('of a cancelled run that waited is an error, and its open calls are rejected', async () => {
    const target = new ApprovalThread({ answers: asking });
    await target.operate('run', first);
    await target.runRecords.cancel(run);

    expect(await resultOf(target, 'resume')).toMatchObject({ status: 'error', ...ofFirst });

    expect(target.callback.updates.slice(-2)).toMatchObject([
      { kind: 'approval', callId: 'pay-1', state: 'rejected', reason: 'The run was cancelled.' },
      { kind: 'approval', callId: 'pay-2', state: 'rejected', reason: 'The run was cancelled.' },
    ]);
    expect(await target.runRecords.find(run)).toMatchObject({ status: 'cancelled' });
    expect(await new ThreadIndex(target.storage).find(thread)).toMatchObject({ status: 'cancelled' });
  });

  it('says that nothing is left to resume', async () => {
    const target = new ApprovalThread({ answers: asking });

    expect(await resultOf(target, 'resume')).toEqual({ status: 'idle' });
    expect(target.stored).toBeUndefined();
    await target.operate('reset');
    expect(await resultOf(target, 'resume')).toEqual({ status: 'idle' });
    expect(target.stored).toBeDefined();
  });
});

const runBy = (ownerId: string | undefined, state?: unknown) =>
  operate({ operationName: 'run', input: runRequest({ ownerId }), state });
const ownerIn = (entity: { getState(): unknown }) => ownerOf(parseThreadState(entity.getState()));

describe('the owner of a thread', () => {
  it('is the user of its first run', async () => {
    const { entity } = await runBy('ann');

    expect(entity.results).toMatchObject([{ status: 'success' }]);
    expect(ownerIn(entity)).toBe('ann');
    expect(ownerIn((await runBy(undefined)).entity)).toBeUndefined();
  });

  it('stays, and may run it again, like a request without a user', async () => {
    const owned = ownedBy(threadState(), 'ann');

    for (const ownerId of ['ann', undefined]) {
      const { entity } = await runBy(ownerId, owned);
      expect(entity.results).toMatchObject([{ status: 'success' }]);
      expect(ownerIn(entity)).toBe('ann');
    }
  });

  it('stays when the thread is reset', async () => {
    const { entity } = await operate({ operationName: 'reset', state: ownedBy(threadState(), 'ann') });

    expect(ownerIn(entity)).toBe('ann');
    expect([entity.results, entity.signals]).toEqual([[{ status: 'reset' }], []]);
  });
});

describe('a deletion', () => {
  const deletedAt = '2999-01-01T00:00:00.000Z';

  it('is recorded as done in the tombstone of the thread', async () => {
    const storage = new MemoryKeyValueStore();
    const tombstones = new Tombstones(storage);
    const identity = { agentName: 'ScriptedAgent', threadId: 'thread-1' };
    await tombstones.bury(identity, []);

    await operate({ operationName: 'delete', state: threadState() }, sunny(), storage);
    expect(await tombstones.find(identity)).not.toHaveProperty('emptiedAt');
    await operate({ operationName: 'delete', input: { deletedAt }, state: threadState() }, sunny(), storage);
    expect(await tombstones.find(identity)).toHaveProperty('emptiedAt');
  });

  it('deletes the conversation although it cannot be recorded, and logs that', async () => {
    const storage = new HookedKeyValueStore(() => {
      throw new Error('The store is down.');
    });

    const { entity } = await operate(
      { operationName: 'delete', input: { deletedAt }, state: threadState() },
      sunny(),
      storage,
    );

    expect([entity.results, entity.isGone]).toEqual([[{ status: 'deleted' }], true]);
    expect(entity.logLines).toEqual([
      expect.stringMatching(/^warning \[ScriptedAgent\] a deletion could not be recorded as done: .*The store is down/),
    ]);
  });
});
