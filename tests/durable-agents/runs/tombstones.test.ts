import { describe, expect, it } from 'vitest';
import type { NewRun } from '../../../src/durable-agents/runs/run-record.js';
import { RunRecords } from '../../../src/durable-agents/runs/run-records.js';
import { stateAfter, Tombstones } from '../../../src/durable-agents/runs/tombstones.js';
import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';
import { threadPartition } from '../../../src/durable-agents/thread/thread-identity.js';
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
});
