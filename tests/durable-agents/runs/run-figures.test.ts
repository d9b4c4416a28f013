import { describe, expect, it } from 'vitest';
import {
  figuresRow,
  type FiguresQuery,
  readFigures,
  removeFigures,
  removeOldFigures,
} from '../../../src/durable-agents/runs/run-figures.js';
import { orderAt, runPosition } from '../../../src/durable-agents/runs/run-order.js';
import type { RunRecord } from '../../../src/durable-agents/runs/run-record.js';
import { threadsPartition } from '../../../src/durable-agents/thread/thread-identity.js';
import { type CommitGuard, MAX_CHANGES_PER_COMMIT, type ValueChange } from '../../../src/storage/key-value-store.js';
import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';

const agentName = 'ScriptedAgent';
const partition = threadsPartition(agentName);
const START_MS = Date.parse('2026-01-07T12:00:00.000Z');
const at = (ms: number) => new Date(START_MS + ms);

/** The run that was accepted this many milliseconds after the start. */
function runAt(ms: number, fields: Partial<RunRecord> = {}): RunRecord {
  const correlationId = ms.toString(16).padStart(32, '0');
  const createdAt = at(ms).toISOString();
  const order = orderAt(START_MS + ms);
  return { correlationId, status: 'completed', message: 'Hi', createdAt, order, attempt: 1, ...fields };
}

async function keep(store: MemoryKeyValueStore, record: RunRecord, owner?: string): Promise<void> {
  const row = figuresRow(record, owner);
  await store.commit(partition, { key: row.key, tag: undefined }, [row]);
}

async function storeWith(...times: readonly number[]): Promise<MemoryKeyValueStore> {
  const store = new MemoryKeyValueStore();
  for (const ms of times) await keep(store, runAt(ms));
  return store;
}

/** Milliseconds after the start of the runs that a query finds, and of the cut. */
async function read(store: MemoryKeyValueStore, query: Partial<FiguresQuery> = {}) {
  const { runs, cutAtMs } = await readFigures(store, agentName, { until: at(1_000_000), limit: 100, ...query });
  return { times: runs.map(({ acceptedMs }) => acceptedMs - START_MS), cut: cutAtMs && cutAtMs - START_MS };
}

describe('the figures of a run', () => {
  it('contain its outcome, tokens, cost and owner, and its durations from the acceptance', async () => {
    const store = new MemoryKeyValueStore();
    const usage = { inputTokenCount: 5, outputTokenCount: 2, totalTokenCount: 7 };
    const cost = { amount: 0.5, currency: 'USD' };
    const times = { firstUpdateAt: at(1300).toISOString(), endedAt: at(3000).toISOString() };
    await keep(store, runAt(1000, { status: 'failed', errorCode: 'model_error', usage, cost, ...times }), 'ann');

    expect((await readFigures(store, agentName, { until: at(2000), limit: 10 })).runs).toEqual([
      {
        status: 'failed',
        errorCode: 'model_error',
        inputTokens: 5,
        outputTokens: 2,
        cost,
        firstUpdateMs: 300,
        totalMs: 2000,
        owner: 'ann',
        acceptedMs: START_MS + 1000,
      },
    ]);
  });

  it('lack what is unknown, and a total while the run is open', async () => {
    const store = new MemoryKeyValueStore();
    await keep(store, runAt(0, { status: 'running', endedAt: at(9).toISOString() }));

    const { runs } = await readFigures(store, agentName, { until: at(1), limit: 10 });
    expect(runs).toEqual([{ status: 'running', acceptedMs: START_MS }]);
  });

  it('have no negative durations, even if clocks differ', async () => {
    const store = new MemoryKeyValueStore();
    const before = at(-5).toISOString();
    await keep(store, runAt(0, { firstUpdateAt: before, endedAt: before }));

    const { runs } = await readFigures(store, agentName, { until: at(1), limit: 10 });
    expect(runs).toMatchObject([{ firstUpdateMs: 0, totalMs: 0 }]);
  });
});

describe('reading the figures of an agent', () => {
  it('returns the newest runs first, from `since` up to but without `until`', async () => {
    const store = await storeWith(1, 2, 3, 4);

    expect(await read(store)).toEqual({ times: [4, 3, 2, 1], cut: undefined });
    expect((await read(store, { since: at(2), until: at(4) })).times).toEqual([3, 2]);
  });

  it.each([
    ['before 1970', new Date('-000001-01-01T00:00:00.000Z')],
    ['after the last time of a key', new Date(8.64e15)],
  ])('accepts a period that begins or ends %s', async (_where, time) => {
    const store = await storeWith(1, 2);
    const isPast = time.getTime() < 0;

    expect((await read(store, { since: time })).times).toEqual(isPast ? [2, 1] : []);
    expect((await read(store, { until: time })).times).toEqual(isPast ? [] : [2, 1]);
  });

  it('stops at the limit, and reports the time of the oldest run that it read', async () => {
    const store = await storeWith(1, 2, 3);

    expect(await read(store, { limit: 2 })).toEqual({ times: [3, 2], cut: 2 });
    expect(await read(store, { limit: 3 })).toEqual({ times: [3, 2, 1], cut: undefined });
  });

  it('returns only the runs of an owner, and counts all runs for the limit', async () => {
    const store = new MemoryKeyValueStore();
    for (const ms of [1, 2, 3, 4]) await keep(store, runAt(ms), ms % 2 === 0 ? 'ann' : 'bob');

    expect(await read(store, { owner: 'ann' })).toEqual({ times: [4, 2], cut: undefined });
    expect(await read(store, { owner: 'ann', limit: 3 })).toEqual({ times: [4, 2], cut: 2 });
    expect(await read(store, { owner: 'bob', limit: 3 })).toEqual({ times: [3], cut: 2 });
  });
});

describe('removing the figures of runs', () => {
  it('removes those of the given runs, more than one commit can, even if some are missing', async () => {
    const times = Array.from({ length: 200 }, (_, ms) => ms);
    class LimitedStore extends MemoryKeyValueStore {
      override commit(where: string, guard: CommitGuard, changes: readonly ValueChange[]) {
        expect(changes.length).toBeLessThanOrEqual(MAX_CHANGES_PER_COMMIT);
        return super.commit(where, guard, changes);
      }
    }
    const store = new LimitedStore();
    for (const ms of times) await keep(store, runAt(ms));
    const positions = [...times.slice(5), 500].map((ms) => runPosition(runAt(ms)));

    await removeFigures(store, agentName, positions);

    expect((await read(store)).times).toEqual([4, 3, 2, 1, 0]);
  });

  it('tries again if a late delivery changes a row in the meantime', async () => {
    class ContestedStore extends MemoryKeyValueStore {
      conflicts = 1;

      override async commit(where: string, guard: CommitGuard, changes: readonly ValueChange[]) {
        const isRemoval = changes.every(({ value }) => value === undefined);
        if (isRemoval && (this.conflicts -= 1) >= 0) {
          await super.commit(where, guard, [{ key: guard.key, value: '{"status":"failed"}' }]);
        }
        return super.commit(where, guard, changes);
      }
    }
    const store = new ContestedStore();
    for (const ms of [1, 2, 3]) await keep(store, runAt(ms));

    await removeFigures(
      store,
      agentName,
      [1, 2].map((ms) => runPosition(runAt(ms))),
    );

    expect((await read(store)).times).toEqual([3]);
  });

  it('removes those from before a time', async () => {
    const store = await storeWith(1, 2, 3);

    await removeOldFigures(store, agentName, at(2));

    expect((await read(store)).times).toEqual([3, 2]);
  });
});
