import { describe, expect, it } from 'vitest';
import { figuresRow } from '../../../src/durable-agents/runs/run-figures.js';
import { CANCELLED_END, endedRun, queuedRun, type RunRecord } from '../../../src/durable-agents/runs/run-record.js';
import { changesOf, runKey, RunRows } from '../../../src/durable-agents/runs/run-rows.js';
import { TOMBSTONE_KEY } from '../../../src/durable-agents/runs/tombstones.js';
import { threadPartition, threadsPartition } from '../../../src/durable-agents/thread/thread-identity.js';
import type { CommitGuard, KeyRange, ValueChange } from '../../../src/storage/key-value-store.js';
import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';

const thread = { agentName: 'ScriptedAgent', threadId: 'thread-1' };
const partition = threadPartition(thread);
const now = '2026-01-07T15:40:00.000Z';
const ALL: KeyRange = { from: '-', before: '~~' };

function queued(number: number): RunRecord {
  const run = { ...thread, correlationId: `run-${number}`, message: 'Hi', createdAt: now };
  return queuedRun(run, String(number).padStart(4, '0'));
}

/** Records the limits of its range reads. Fails the next commit if `conflicts` is positive. */
class RecordingStore extends MemoryKeyValueStore {
  readonly limits: number[] = [];
  readCount = 0;
  conflicts = 0;

  override readRange(where: string, range: KeyRange, limit: number) {
    this.limits.push(limit);
    return super.readRange(where, range, limit);
  }

  override readMany(where: string, keys: readonly string[]) {
    this.readCount += 1;
    return super.readMany(where, keys);
  }

  override async commit(where: string, guard: CommitGuard, changes: readonly ValueChange[]) {
    if (this.conflicts > 0) {
      this.conflicts -= 1;
      return undefined;
    }
    return super.commit(where, guard, changes);
  }
}

async function rowsWith(count: number) {
  const store = new RecordingStore();
  const rows = new RunRows(store, () => new Date(now));
  for (let number = 1; number <= count; number += 1) await rows.change(runOf(number), () => queued(number));
  store.limits.length = 0;
  store.readCount = 0;
  return { store, rows };
}

const runOf = (number: number) => ({ ...thread, correlationId: `run-${number}` });
const keysIn = async (store: MemoryKeyValueStore) => (await store.readRange(partition, ALL, 100)).map(({ key }) => key);

const recordRow = (after: RunRecord) => ({ key: 'run|run-1', value: JSON.stringify(after) });

describe('the rows of a run', () => {
  const open = queued(1);
  const ended = endedRun(open, CANCELLED_END, now);

  it('are its record, its place in the list, and another one while it is open', () => {
    const listed = { key: 'list|9998|run-1', value: 'run-1' };
    expect(changesOf(undefined, open)).toEqual([recordRow(open), listed, { key: 'open|0001|run-1', value: 'run-1' }]);
    expect(changesOf(undefined, ended)).toEqual([recordRow(ended), listed]);
  });

  it('change only where necessary', () => {
    expect(changesOf(open, { ...open, attempt: 1 })).toEqual([recordRow({ ...open, attempt: 1 })]);
    expect(changesOf(open, ended)).toEqual([recordRow(ended), { key: 'open|0001|run-1', value: undefined }]);
    expect(changesOf(ended, ended)).toEqual([recordRow(ended)]);
    expect(changesOf(ended, open)).toEqual([recordRow(open), { key: 'open|0001|run-1', value: 'run-1' }]);
  });

  it('are all removed with the run, even after a conflict', async () => {
    const { store, rows } = await rowsWith(2);
    store.conflicts = 1;

    await rows.remove(runOf(1));
    await rows.remove(runOf(9));

    expect(await keysIn(store)).toEqual(['list|9997|run-2', 'open|0002|run-2', 'run|run-2']);
  });

  it('are removed with their thread and its figures, except for its tombstone', async () => {
    const { store, rows } = await rowsWith(2);
    const figures = [1, 3].map((number) => figuresRow(queued(number), undefined));
    for (const row of figures)
      await store.commit(threadsPartition(thread.agentName), { key: row.key, tag: undefined }, [row]);
    const tombstone = { key: TOMBSTONE_KEY, value: JSON.stringify({ deletedAt: now, pending: [] }) };
    await store.commit(partition, { key: TOMBSTONE_KEY, tag: undefined }, [tombstone]);

    await rows.clear(thread);

    expect(await keysIn(store)).toEqual([TOMBSTONE_KEY]);
    const left = await store.readRange(threadsPartition(thread.agentName), ALL, 10);
    expect(left.map(({ key }) => key)).toEqual([figures[1]?.key]);
  });
});

const row = (value: string) => ({ key: 'list', value, tag: '' });

describe('reading the rows of a thread', () => {
  it('returns at most the limit, and requests no more from the store', async () => {
    const { store, rows } = await rowsWith(5);
    const range = { from: 'list|', before: 'list~' };

    expect((await rows.list(thread, range, 3)).map(({ value }) => value)).toEqual(['run-5', 'run-4', 'run-3']);
    expect(store.limits).toEqual([3]);
    expect(await rows.list(thread, range)).toHaveLength(5);
    expect(store.limits).toContain(500);
  });

  it('returns a page, and where the next one begins if there is one', async () => {
    const { rows } = await rowsWith(5);
    const page = async (limit: number, after?: string) => {
      const { runs, next } = await rows.page(thread, { limit, after });
      return [runs.map(({ correlationId }) => correlationId), next];
    };

    expect(await page(2)).toEqual([['run-5', 'run-4'], '9995|run-4']);
    expect(await page(3, '9995|run-4')).toEqual([['run-3', 'run-2', 'run-1'], undefined]);
    expect(await page(5)).toEqual([['run-5', 'run-4', 'run-3', 'run-2', 'run-1'], undefined]);
  });

  it('skips runs whose records are gone, and reads nothing for no runs', async () => {
    const { store, rows } = await rowsWith(1);

    expect(await rows.records(thread, [row('run-9'), row('run-1')])).toMatchObject([{ correlationId: 'run-1' }]);
    store.readCount = 0;
    expect(await rows.records(thread, [])).toEqual([]);
    expect(store.readCount).toBe(0);
  });
});

describe('changing a record', () => {
  it('saves the read if the value is known', async () => {
    const { store, rows } = await rowsWith(1);
    const known = await store.read({ partition, key: runKey('run-1') });

    const changed = await rows.change(runOf(1), (record) => record && { ...record, attempt: 1 }, known);

    expect(changed).toMatchObject({ attempt: 1 });
    expect(store.readCount).toBe(0);
  });

  it('reads the newest value if the known one is outdated', async () => {
    const { store, rows } = await rowsWith(1);
    const known = await store.read({ partition, key: runKey('run-1') });
    await rows.change(runOf(1), (record) => record && { ...record, attempt: 5 });

    const changed = await rows.change(
      runOf(1),
      (record) => record && { ...record, attempt: record.attempt + 1 },
      known,
    );

    expect(changed).toMatchObject({ attempt: 6 });
  });

  it('returns the record if there is nothing to change', async () => {
    const { rows } = await rowsWith(1);

    expect(await rows.change(runOf(1), () => undefined)).toEqual(queued(1));
    expect(await rows.change(runOf(2), () => undefined)).toBeUndefined();
  });
});
