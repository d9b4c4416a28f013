import { describe, expect, it } from 'vitest';
import { withWaitingState } from '../../../src/durable-agents/approvals/waiting-run.js';
import { type NewRun, queuedRun, type RunRecord } from '../../../src/durable-agents/runs/run-record.js';
import { RunRecords } from '../../../src/durable-agents/runs/run-records.js';
import { parseTombstone, refuses, stateAfter, Tombstones } from '../../../src/durable-agents/runs/tombstones.js';
import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';
import { threadPartition } from '../../../src/durable-agents/thread/thread-identity.js';
import { ownedBy, ownerOf } from '../../../src/durable-agents/thread/thread-state.js';
import { runRequest } from '../../support/run-request.js';
import { threadState, turnEntries } from '../../support/thread-entries.js';

const thread = { agentName: 'ScriptedAgent', threadId: 'thread-1' };
const DELETED_AT = '2026-01-07T16:00:00.000Z';

function newRun(number: number, createdAt: string): NewRun {
  return { ...thread, correlationId: String(number).padStart(32, '0'), message: `Message ${number}`, createdAt };
}

/** A thread with these runs, which is deleted. */
async function deleted(...runs: readonly NewRun[]) {
  const store = new MemoryKeyValueStore();
  let now = new Date(DELETED_AT);
  const records = new RunRecords(store, () => now);
  const tombstones = new Tombstones(store, () => now);
  for (const run of runs) await records.accept(run);
  const open = await records.listOpen(thread);
  await tombstones.bury(
    thread,
    open.map(({ correlationId }) => correlationId),
  );
  await records.clear(thread);
  return { store, records, tombstones, setNow: (time: string) => (now = new Date(time)) };
}

describe('a deleted thread', () => {
  it('rejects runs that had not ended and runs that were accepted before', async () => {
    const fromAFastClock = newRun(1, '2026-01-07T16:00:03.000Z');
    const { records } = await deleted(fromAFastClock);

    expect(await records.begin(fromAFastClock, 1)).toEqual({ status: 'refused' });
    expect(await records.begin(newRun(2, '2026-01-07T15:59:59.000Z'), 1)).toEqual({ status: 'refused' });
    expect(await records.findUnseenEnd(fromAFastClock)).toMatchObject({ status: 'cancelled' });
  });

  it('lets a new run start, even one from a slow clock', async () => {
    const { records } = await deleted();
    const fromASlowClock = newRun(2, '2026-01-07T15:59:58.000Z');
    await records.accept(fromASlowClock);

    const fresh = await records.begin(newRun(1, '2026-01-07T16:00:01.000Z'), 1);
    expect(fresh).toMatchObject({ status: 'running', deletedAt: DELETED_AT });
    expect(await records.begin(fromASlowClock, 1)).toMatchObject({ status: 'running' });
  });

  it('lets a new run start that has the id of a deleted one, because it repeats its idempotency key', async () => {
    const run = newRun(1, '2026-01-07T15:59:59.000Z');
    const { records, tombstones } = await deleted(run);
    await tombstones.noteEmptied(thread, DELETED_AT);
    const repeated = { ...run, createdAt: '2026-01-07T16:00:01.000Z' };
    await records.accept(repeated);

    expect(await records.begin(run, 1)).toMatchObject({ status: 'running' });
    expect(await records.begin(repeated, 1)).toMatchObject({ status: 'running' });
  });

  it('ends the record of a run that it refuses once its entity is empty, so that callers stop waiting', async () => {
    const run = newRun(1, '2026-01-07T15:59:59.000Z');
    const { records, tombstones } = await deleted(run);
    await records.accept(run);

    expect(await records.begin(run, 1)).toEqual({ status: 'refused' });
    expect(await records.listOpen(thread)).toMatchObject([{ status: 'queued' }]);
    await tombstones.noteEmptied(thread, DELETED_AT);
    expect(await records.begin(run, 1)).toEqual({ status: 'refused' });

    expect(await records.find(run)).toMatchObject({ status: 'cancelled', errorCode: 'cancelled' });
    expect(await records.listOpen(thread)).toEqual([]);
  });

  it('has ended the runs that were accepted before, even those without a record', async () => {
    const { records } = await deleted();

    expect(await records.findUnseenEnd(newRun(1, '2026-01-07T15:59:59.000Z'))).toMatchObject({ status: 'cancelled' });
    expect(await records.findUnseenEnd(newRun(2, '2026-01-07T16:00:01.000Z'))).toBeUndefined();
  });

  it('does not get a record of a run back that ends late', async () => {
    const run = newRun(1, '2026-01-07T15:59:59.000Z');
    const { records, tombstones } = await deleted();
    const begun = await new RunRecords(new MemoryKeyValueStore()).begin(run, 1);
    const stored = begun.status === 'running' ? begun.stored : undefined;

    await records.end(run, { status: 'completed', response: 'Secret.' }, stored);
    await records.suspend(run, undefined, stored);
    await records.end(run, { status: 'completed', response: 'Secret.' });

    expect(await records.find(run)).toBeUndefined();
    expect(await records.isDeleted(run)).toBe(true);
    expect(await tombstones.find(thread)).toBeDefined();
  });

  it('does not cost a new run its start if the deletion removes its record, too', async () => {
    const { records } = await deleted();
    const run = newRun(1, '2026-01-07T16:00:01.000Z');
    const begun = await records.begin(run, 2);
    await records.clear(thread);

    await records.end(run, { status: 'completed' }, begun.status === 'running' ? begun.stored : undefined);

    expect(await records.find(run)).toMatchObject({ status: 'completed', attempt: 2, startedAt: DELETED_AT });
    expect(await records.isDeleted(run)).toBe(false);
    expect((await records.list(thread, { limit: 10 })).runs).toHaveLength(1);
  });

  it('no longer compares times once its entity is empty', async () => {
    const { records, tombstones } = await deleted();
    await tombstones.noteEmptied(thread, DELETED_AT);

    const begun = await records.begin(newRun(1, '2026-01-07T16:00:01.000Z'), 1);

    expect(begun).toMatchObject({ status: 'running', deletedAt: undefined });
  });

  it('still rejects the same runs when it is deleted again', async () => {
    const run = newRun(1, '2026-01-07T15:59:59.000Z');
    const { tombstones } = await deleted(run);

    expect(await tombstones.bury(thread, [])).toMatchObject({ pending: [run.correlationId] });
  });

  it('is forgotten after 24 hours', async () => {
    const { records, setNow } = await deleted();
    setNow('2026-01-08T16:00:00.001Z');

    expect(await records.begin(newRun(1, '2026-01-07T15:59:59.000Z'), 1)).toMatchObject({ status: 'running' });
  });

  it('loses its tombstone with a later deletion', async () => {
    const { store, tombstones, setNow } = await deleted();
    setNow('2026-01-08T16:00:00.001Z');

    await tombstones.bury({ ...thread, threadId: 'thread-2' }, []);

    expect(await store.readRange(threadPartition(thread), { from: '-', before: '~~' }, 100)).toEqual([]);
  });

  it('leaves only times and correlation ids in the store', async () => {
    const run = newRun(1, '2026-01-07T15:59:59.000Z');
    const { store } = await deleted(run);

    const partition = threadPartition(thread);
    const kept = await store.readRange(partition, { from: '-', before: '~~' }, 100);

    expect(partition).not.toContain('thread-1');
    expect(kept.map(({ key, value }) => [key, JSON.parse(value)])).toEqual([
      ['~deleted', { deletedAt: DELETED_AT, pending: [run.correlationId] }],
    ]);
  });
});

describe('the state of a deleted thread', () => {
  const old = turnEntries('old', 'Hi', { $type: 'text', text: 'Hello' });
  const [request, response] = turnEntries('new', 'Hi again', { $type: 'text', text: 'Hello again' }).map((entry) => ({
    ...entry,
    createdAt: '2026-01-07T16:00:01.000Z',
  }));

  it('does not change if all of it is newer', () => {
    const state = { ...threadState(...(request ? [request] : [])), 'x-added': true };

    expect(stateAfter(state, DELETED_AT)).toBe(state);
  });

  it('loses complete older turns, even with a newer response, and the data of the thread', () => {
    const lateResponse = { ...response, correlationId: 'old' };
    const state = threadState(...old.slice(0, 1), lateResponse, ...(request && response ? [request, response] : []));

    expect(stateAfter({ ...state, data: { ...state.data, session: {} } }, DELETED_AT)).toEqual({
      schemaVersion: '1.1.0',
      data: { conversationHistory: [request, response] },
    });
  });
  it('loses an old waiting run and old deferred messages, and keeps newer ones and its owner', () => {
    const [oldRun, newer] = ['2026-01-07T15:59:59.000Z', '2026-01-07T16:00:01.000Z'].map((createdAt) =>
      runRequest({ createdAt }),
    );
    const waitingFor = (waiting = oldRun, ...deferredRuns: (typeof oldRun)[]) =>
      withWaitingState(ownedBy(threadState(), 'ann'), {
        waitingRun: waiting && { request: waiting, steps: {}, approvals: [] },
        deferredRuns: deferredRuns.filter((run) => run !== undefined),
        pastApprovals: [],
      });

    expect(stateAfter(waitingFor(oldRun, oldRun, newer), DELETED_AT).data['extensionData']).toEqual({
      ownerId: 'ann',
      deferredRuns: [newer],
    });
    const unchanged = waitingFor(newer, newer);
    expect(stateAfter(unchanged, DELETED_AT)).toBe(unchanged);
    expect(stateAfter(waitingFor(newer, oldRun), DELETED_AT)).toEqual(waitingFor(newer));
    expect(ownerOf(stateAfter(waitingFor(oldRun), DELETED_AT))).toBe('ann');
  });

  it('loses an entry without a time, and one of the time of the deletion', () => {
    const entries = [{ $type: 'request' as const }, { $type: 'request' as const, createdAt: DELETED_AT }];

    expect(stateAfter(threadState(...entries), DELETED_AT).data.conversationHistory).toEqual([]);
  });
});

describe('a tombstone', () => {
  const tombstone = { deletedAt: DELETED_AT, pending: ['open'] };

  it('is valid for 24 hours', () => {
    const text = JSON.stringify(tombstone);

    expect(parseTombstone(text, new Date('2026-01-08T16:00:00.000Z'))).toEqual(tombstone);
    expect(parseTombstone(text, new Date('2026-01-08T16:00:00.001Z'))).toBeUndefined();
    expect(parseTombstone(undefined, new Date(DELETED_AT))).toBeUndefined();
  });

  it('refuses signals without a record unless their request is newer', () => {
    const refused = [DELETED_AT, 'soon', '2026-01-07T16:00:00.001Z'].map((createdAt) =>
      refuses(tombstone, { correlationId: 'a', createdAt }, undefined),
    );

    expect(refused).toEqual([true, true, false]);
  });

  it('refuses signals of runs that were open, unless a newer request has the same id', () => {
    const run = { correlationId: 'open', createdAt: '2026-01-07T17:00:00.000Z' };
    const newer: RunRecord = queuedRun({ ...thread, ...run, message: 'Hi' }, '1');
    const refused = (fields: Partial<RunRecord>) => refuses(tombstone, run, { ...newer, ...fields });

    expect(refuses(tombstone, run, undefined)).toBe(true);
    expect(refused({})).toBe(false);
    expect(refused({ createdAt: DELETED_AT })).toBe(false);
    expect(refused({ createdAt: '2026-01-07T15:59:59.999Z' })).toBe(true);
    expect(refused({ status: 'cancelled' })).toBe(true);
    expect(refused({ cancelRequestedAt: DELETED_AT })).toBe(true);
  });

  it('does not exist for a thread that was never deleted, and cannot be noted there', async () => {
    const tombstones = new Tombstones(new MemoryKeyValueStore());

    await tombstones.noteEmptied(thread, DELETED_AT);

    expect(await tombstones.find(thread)).toBeUndefined();
  });

  it('notes only a deletion of everything that is older than it', async () => {
    const { tombstones } = await deleted();

    await tombstones.noteEmptied(thread, '2026-01-07T15:59:59.000Z');
    expect(await tombstones.find(thread)).toEqual({ deletedAt: DELETED_AT, pending: [] });
    await tombstones.noteEmptied(thread, DELETED_AT);
    expect(await tombstones.find(thread)).toEqual({ deletedAt: DELETED_AT, pending: [], emptiedAt: DELETED_AT });
  });

  it('is written again after a conflict with another process', async () => {
    const store = new MemoryKeyValueStore();
    const processes = Array.from({ length: 4 }, () => new Tombstones(store, () => new Date(DELETED_AT)));

    await Promise.all(processes.map((tombstones, index) => tombstones.bury(thread, [`run-${index}`])));

    const { pending = [] } = (await processes[0]?.find(thread)) ?? {};
    expect(pending.toSorted()).toEqual(['run-0', 'run-1', 'run-2', 'run-3']);
  });
});

/** Deletes this number of threads, one per second. All have expired afterwards. */
async function expired(count: number) {
  const store = new MemoryKeyValueStore();
  let nowMs = Date.parse(DELETED_AT);
  const tombstones = new Tombstones(store, () => new Date(nowMs));
  for (let number = 0; number < count; number += 1) {
    await tombstones.bury({ ...thread, threadId: `thread-${number}` }, []);
    nowMs += 1000;
  }
  nowMs += 24 * 3_600_000;
  const left = async () => {
    const threads = Array.from({ length: count }, (_, number) => ({ ...thread, threadId: `thread-${number}` }));
    const rows = await Promise.all(
      threads.map((of) => store.read({ partition: threadPartition(of), key: '~deleted' })),
    );
    return rows.flatMap((row, number) => (row === undefined ? [] : [number]));
  };
  const indexed = async () => (await store.readRange('tombstones', { from: '-', before: '~' }, 1000)).length;
  return { store, tombstones, left, indexed, setNow: (ms: number) => (nowMs = ms), nowMs: () => nowMs };
}

describe('the purge of expired tombstones', () => {
  it('removes the oldest ones up to the limit, and returns how many', async () => {
    const { tombstones, left, indexed } = await expired(5);

    expect(await tombstones.purge({ limit: 2 })).toBe(2);
    expect([await left(), await indexed()]).toEqual([[2, 3, 4], 3]);
    expect(await tombstones.purge({})).toBe(3);
    expect([await left(), await indexed()]).toEqual([[], 0]);
    expect(await tombstones.purge({})).toBe(0);
  });

  it('removes at most ten with each deletion', async () => {
    const { tombstones, left, indexed } = await expired(12);

    await tombstones.bury({ ...thread, threadId: 'other' }, []);

    expect([await left(), await indexed()]).toEqual([[10, 11], 3]);
  });

  it('keeps those that have not expired', async () => {
    const { tombstones, left, setNow, nowMs } = await expired(3);
    setNow(nowMs() - 1500);

    expect(await tombstones.purge({})).toBe(2);
    expect(await left()).toEqual([2]);
  });

  it('stops when it is aborted', async () => {
    const { tombstones, left } = await expired(3);

    expect(await tombstones.purge({ signal: AbortSignal.abort() })).toBe(0);
    expect(await left()).toEqual([0, 1, 2]);
  });

  it('keeps the tombstone of a thread that was deleted again, and accepts one that is gone', async () => {
    const { store, tombstones, left, indexed } = await expired(2);
    await store.removeRange(threadPartition({ ...thread, threadId: 'thread-1' }), { from: '-', before: '~~' });
    const again = new Tombstones(store, () => new Date('2026-01-08T15:00:00.000Z'));
    await again.bury({ ...thread, threadId: 'thread-0' }, []);

    expect(await tombstones.purge({})).toBe(2);

    expect([await left(), await indexed()]).toEqual([[0], 1]);
  });
});
