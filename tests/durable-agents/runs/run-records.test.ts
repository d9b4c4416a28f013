import { describe, expect, it } from 'vitest';
import {
  CANCELLED_END,
  FOREIGN_THREAD_END,
  type NewRun,
  queuedRun,
} from '../../../src/durable-agents/runs/run-record.js';
import { RunRecords } from '../../../src/durable-agents/runs/run-records.js';
import { runKey } from '../../../src/durable-agents/runs/run-rows.js';
import { threadPartition } from '../../../src/durable-agents/thread/thread-identity.js';
import type { CommitGuard, ValueChange } from '../../../src/storage/key-value-store.js';
import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';

const thread = { agentName: 'ScriptedAgent', threadId: 'thread-1' };
const completed = { status: 'completed', response: 'Sunny.', messageCount: 2 } as const;

function newRun(number: number, fields: Partial<NewRun> = {}): NewRun {
  const correlationId = number.toString(16).padStart(32, '0');
  return { ...thread, correlationId, message: `Message ${number}`, createdAt: '2026-01-07T15:40:00.000Z', ...fields };
}

const createRecords = () => new RunRecords(new MemoryKeyValueStore());
const idsOf = (runs: readonly { correlationId: string }[]) =>
  runs.map(({ correlationId }) => parseInt(correlationId, 16));

describe('the record of a run', () => {
  it('goes from queued through running to completed', async () => {
    const records = createRecords();
    const { record } = await records.accept(newRun(1));
    expect(record).toMatchObject({ status: 'queued', attempt: 0 });

    const begun = await records.begin(newRun(1), 1);
    expect(begun).toMatchObject({ status: 'running', record: { status: 'running', attempt: 1 } });
    await records.end(newRun(1), completed, begun.status === 'running' ? begun.stored : undefined);

    expect(await records.find(newRun(1))).toMatchObject({ ...completed, attempt: 1, endedAt: expect.any(String) });
    expect(await records.listOpen(thread)).toEqual([]);
  });

  it('describes the first request with its id', async () => {
    const records = createRecords();
    await records.accept(newRun(1));

    const again = await records.accept(newRun(1, { message: 'Something else' }));

    expect(again).toMatchObject({ status: 'known', record: { message: 'Message 1' } });
  });

  it('is created when the run starts or ends if it could not be created before', async () => {
    const records = createRecords();
    await records.begin(newRun(1), 3);
    await records.end(newRun(2), completed);

    expect(await records.find(newRun(1))).toMatchObject({ status: 'running', attempt: 3 });
    expect(await records.find(newRun(2))).toMatchObject({ status: 'completed' });
  });

  it('drops the outcome of an earlier delivery when another one starts', async () => {
    const records = createRecords();
    await records.begin(newRun(1), 1);
    await records.end(newRun(1), completed);

    await records.begin(newRun(1), 1);

    const record = await records.find(newRun(1));
    expect(record).toMatchObject({ status: 'running', attempt: 2 });
    expect(record).not.toHaveProperty('response');
    expect(idsOf(await records.listOpen(thread))).toEqual([1]);
  });

  it('has nothing left of another end that it replaces', async () => {
    const records = createRecords();
    await records.accept(newRun(1));
    await records.cancel(newRun(1));

    const ended = await records.end(newRun(1), completed);

    expect(ended).toMatchObject(completed);
    expect([ended?.error, ended?.errorCode]).toEqual([undefined, undefined]);
  });

  it('keeps its start when its turn is dropped before its end could be recorded', async () => {
    const store = new MemoryKeyValueStore();
    const records = new RunRecords(store);
    await records.begin(newRun(1), 3);
    const before = await records.find(newRun(1));

    await records.noteDropped(newRun(1), (record = before) => record && { ...record, ...completed });

    const { startedAt } = before ?? {};
    expect(await records.find(newRun(1))).toMatchObject({
      ...completed,
      attempt: 3,
      startedAt,
      droppedAt: expect.any(String),
    });
    expect(await store.readRange(threadPartition(thread), { from: 'open|', before: 'open~' }, 10)).toEqual([]);
  });

  it('leaves nothing when it is removed', async () => {
    const records = createRecords();
    await records.accept(newRun(1));

    await records.remove(newRun(1));

    expect(await records.find(newRun(1))).toBeUndefined();
    expect(await records.listOpen(thread)).toEqual([]);
    expect(await records.list(thread, { limit: 10 })).toEqual({ runs: [], next: undefined });
  });
});

describe('cancelling', () => {
  it('ends a queued run, which never starts', async () => {
    const records = createRecords();
    await records.accept(newRun(1));

    expect(await records.cancel(newRun(1))).toMatchObject({ status: 'cancelled', errorCode: 'cancelled' });

    expect(await records.findUnseenEnd(newRun(1))).toMatchObject({ status: 'cancelled' });
    expect(await records.begin(newRun(1), 1)).toMatchObject({ status: 'cancelled' });
    expect(await records.find(newRun(1))).toMatchObject({ status: 'cancelled', attempt: 0 });
  });

  it('notifies the process that runs it, and a later delivery', async () => {
    const records = createRecords();
    await records.begin(newRun(1), 1);
    let told = 0;
    const stop = records.follow(newRun(1), () => (told += 1));

    expect(await records.cancel(newRun(1))).toMatchObject({ status: 'running' });

    await expect.poll(() => told).toBeGreaterThan(0);
    stop();
    expect(await records.begin(newRun(1), 2)).toMatchObject({ status: 'cancelled', record: { attempt: 2 } });
  });

  it('changes nothing after the end or for an unknown run', async () => {
    const records = createRecords();
    await records.end(newRun(1), completed);

    expect(await records.cancel(newRun(1))).toMatchObject({ status: 'completed' });
    expect(await records.cancel(newRun(2))).toBeUndefined();
    expect(await records.find(newRun(2))).toBeUndefined();
  });
});

describe('accepting a run only while its thread is idle', () => {
  it('reports the running run otherwise', async () => {
    const records = createRecords();
    await records.accept(newRun(1));
    await records.accept(newRun(2));
    await records.begin(newRun(2), 1);

    expect(await records.acceptIfIdle(newRun(3))).toMatchObject({
      status: 'busy',
      record: { correlationId: newRun(2).correlationId },
    });
    expect(await records.find(newRun(3))).toBeUndefined();
  });

  it('accepts one of several simultaneous runs, even of different processes', async () => {
    const store = new MemoryKeyValueStore();
    const processes = [new RunRecords(store), new RunRecords(store)];

    const accepted = await Promise.all(
      processes.flatMap((records, process) =>
        Array.from({ length: 6 }, (_, number) => records.acceptIfIdle(newRun(6 * process + number + 1))),
      ),
    );

    expect(accepted.filter(({ status }) => status === 'accepted')).toHaveLength(1);
    expect(accepted.filter(({ status }) => status === 'busy')).toHaveLength(11);
  });
});

describe('the runs of a thread', () => {
  it('are listed newest first, in pages, even if accepted in the same millisecond', async () => {
    const records = new RunRecords(new MemoryKeyValueStore(), () => new Date('2026-01-07T15:40:00.000Z'));
    for (let number = 1; number <= 25; number += 1) await records.accept(newRun(number));
    await records.accept(newRun(26, { threadId: 'thread-2' }));

    const seen: number[] = [];
    let after: string | undefined;
    do {
      const page = await records.list(thread, { limit: 10, after });
      seen.push(...idsOf(page.runs));
      after = page.next;
    } while (after !== undefined);

    expect(seen).toEqual(Array.from({ length: 25 }, (_, index) => 25 - index));
    expect(idsOf(await records.listOpen(thread))).toEqual(seen.toReversed());
  });
});

describe('interrupting', () => {
  it('keeps exactly one of twenty runs that interrupt each other', async () => {
    const store = new MemoryKeyValueStore();
    const runs = Array.from({ length: 20 }, (_, number) => newRun(number + 1));

    await Promise.all(
      runs.map(async (run) => {
        const records = new RunRecords(store);
        const { record } = await records.accept(run, { interrupts: true });
        await records.interrupt(run, record);
      }),
    );

    const records = new RunRecords(store);
    expect(await records.listOpen(thread)).toHaveLength(1);
    const { runs: all } = await records.list(thread, { limit: 100 });
    expect(all.filter(({ status }) => status === 'cancelled')).toHaveLength(19);
  });

  it('cancels the running run, and keeps later queued ones', async () => {
    const records = createRecords();
    await records.begin(newRun(1), 1);
    const { record } = await records.accept(newRun(2), { interrupts: true });
    await records.accept(newRun(3));

    await records.interrupt(newRun(2), record);

    expect(await records.find(newRun(1))).toMatchObject({ status: 'running', cancelRequestedAt: expect.any(String) });
    expect(idsOf(await records.listOpen(thread))).toEqual([1, 2, 3]);
  });
});

describe('the start of a delivery', () => {
  it('continues the attempt only if both the thread and the record have it as waiting', async () => {
    const records = createRecords();
    const begun = await records.begin(newRun(1), 1);
    expect(begun).toMatchObject({ continues: false });
    expect(await records.begin(newRun(1), 1, true)).toMatchObject({ continues: false, record: { attempt: 2 } });
    const suspended = await records.suspend(newRun(1), '2026-01-07T15:40:01.000Z');
    expect(suspended).toMatchObject({ status: 'waiting_for_approval', firstUpdateAt: '2026-01-07T15:40:01.000Z' });

    expect(await records.begin(newRun(1), 5, true)).toMatchObject({
      status: 'running',
      continues: true,
      record: { attempt: 2, firstUpdateAt: '2026-01-07T15:40:01.000Z' },
    });
    await records.suspend(newRun(1), undefined);
    expect(await records.begin(newRun(1), 1)).toMatchObject({ continues: false, record: { attempt: 3 } });
    expect(await records.begin(newRun(2), 1, true)).toMatchObject({ continues: false });
  });

  it('does not repeat a run whose turn was dropped from the conversation', async () => {
    const records = createRecords();
    await records.end(newRun(1), completed);
    await records.noteDropped(newRun(1), () => undefined);

    expect(await records.begin(newRun(1), 2)).toMatchObject({ status: 'ended', record: completed });
  });

  it('tries again if another process changes the record at the same time', async () => {
    const store = new ContestedStore();
    const records = new RunRecords(store);
    await records.accept(newRun(1));
    store.contest = () => new RunRecords(store).cancel(newRun(1));

    expect(await records.begin(newRun(1), 1)).toMatchObject({ status: 'cancelled' });
  });
});

describe('accepting a run', () => {
  it('stores whether it interrupts the earlier ones', async () => {
    const records = createRecords();

    expect(await records.accept(newRun(1), { interrupts: true })).toMatchObject({
      status: 'accepted',
      record: { interrupts: true },
    });
    const { status, record } = await records.accept(newRun(2));
    expect([status, record]).toEqual(['accepted', expect.not.objectContaining({ interrupts: expect.anything() })]);
    expect(await records.find(newRun(1))).toMatchObject({ interrupts: true });
  });

  it('recognizes a repeated request of an idle thread', async () => {
    const records = createRecords();
    expect(await records.acceptIfIdle(newRun(1))).toMatchObject({
      status: 'accepted',
      record: { message: 'Message 1' },
    });
    const repeated = newRun(1, { message: 'Something else' });

    expect(await records.acceptIfIdle(repeated)).toMatchObject({ status: 'known', record: { message: 'Message 1' } });
  });
});

describe('the end of a run', () => {
  it('keeps its time when it is recorded twice', async () => {
    let now = new Date('2026-01-07T15:40:00.000Z');
    const records = new RunRecords(new MemoryKeyValueStore(), () => now);
    await records.end(newRun(1), completed);
    now = new Date('2026-01-07T15:41:00.000Z');

    await records.end(newRun(1), completed);

    expect(await records.find(newRun(1))).toMatchObject({ endedAt: '2026-01-07T15:40:00.000Z' });
  });

  it('is missing in the conversation only if the run was cancelled, refused or dropped', async () => {
    const records = createRecords();
    await records.end(newRun(1), completed);
    await records.end(newRun(2), { status: 'failed', errorCode: 'model_error', error: 'No.' });
    await records.end(newRun(3), FOREIGN_THREAD_END);
    await records.end(newRun(4), completed);
    await records.noteDropped(newRun(4), () => undefined);
    await records.end(newRun(5), CANCELLED_END);

    const ends = await Promise.all([1, 2, 3, 4, 5, 6].map((number) => records.findUnseenEnd(newRun(number))));

    expect(ends).toEqual([
      undefined,
      undefined,
      expect.objectContaining(FOREIGN_THREAD_END),
      expect.objectContaining(completed),
      expect.objectContaining(CANCELLED_END),
      undefined,
    ]);
  });

  it('from the conversation replaces an open record, and no other', async () => {
    const records = createRecords();
    const ended = { ...queuedRun(newRun(1), '1'), ...completed };
    await records.accept(newRun(1));

    expect(await records.correct(newRun(1), ended)).toEqual(ended);
    expect(await records.correct(newRun(1), { ...ended, response: 'Cloudy.' })).toEqual(ended);
    expect(await records.correct(newRun(2), ended)).toBeUndefined();
    expect(await records.listOpen(thread)).toEqual([]);
  });

  it('is not replaced when the turn is dropped later, and not invented if it is unknown', async () => {
    const records = createRecords();
    await records.end(newRun(1), completed);
    const other = { ...queuedRun(newRun(1), '1'), ...completed, response: 'Cloudy.' };

    await records.noteDropped(newRun(1), () => other);
    await records.noteDropped(newRun(2), () => undefined);

    expect(await records.find(newRun(1))).toMatchObject({ ...completed, droppedAt: expect.any(String) });
    expect(await records.find(newRun(2))).toBeUndefined();
  });
});

/** Returns how often a follower of the run was called, after the store has reported its value. */
async function callsFor(prepare: (records: RunRecords) => Promise<unknown>): Promise<number> {
  const store = new MemoryKeyValueStore();
  const records = new RunRecords(store);
  await prepare(records);
  let calls = 0;
  let reports = 0;
  const address = { partition: threadPartition(thread), key: runKey(newRun(1).correlationId) };
  const stops = [records.follow(newRun(1), () => (calls += 1)), store.follow(address, () => (reports += 1))];
  await expect.poll(() => reports).toBeGreaterThan(0);
  for (const stop of stops) stop();
  return calls;
}

const requested = async (records: RunRecords) => {
  await records.begin(newRun(1), 1);
  await records.cancel(newRun(1));
};

describe('following a run', () => {
  it('reports a cancellation, or a request for it, and nothing else', async () => {
    expect(await callsFor(async () => {})).toBe(0);
    expect(await callsFor((records) => records.begin(newRun(1), 1))).toBe(0);
    expect(await callsFor((records) => records.end(newRun(1), completed))).toBe(0);
    expect(await callsFor((records) => records.end(newRun(1), CANCELLED_END))).toBe(1);
    expect(await callsFor(requested)).toBe(1);
  });
});

describe('a request to cancel a running run', () => {
  it('keeps its first time', async () => {
    let now = new Date('2026-01-07T15:40:00.000Z');
    const records = new RunRecords(new MemoryKeyValueStore(), () => now);
    await records.begin(newRun(1), 1);
    await records.cancel(newRun(1));
    now = new Date('2026-01-07T15:41:00.000Z');

    expect(await records.cancel(newRun(1))).toMatchObject({ cancelRequestedAt: '2026-01-07T15:40:00.000Z' });
  });

  it('ends it at once if it can no longer be running', async () => {
    const records = createRecords();
    await records.begin(newRun(1), 1);

    expect(await records.cancel(newRun(1), { mayRun: false })).toMatchObject(CANCELLED_END);
    expect(await records.listOpen(thread)).toEqual([]);
  });
});

/** Runs a change by another process before the next commit. */
class ContestedStore extends MemoryKeyValueStore {
  contest: (() => Promise<unknown>) | undefined;

  override async commit(partition: string, guard: CommitGuard, changes: readonly ValueChange[]) {
    const { contest } = this;
    this.contest = undefined;
    await contest?.();
    return super.commit(partition, guard, changes);
  }
}
