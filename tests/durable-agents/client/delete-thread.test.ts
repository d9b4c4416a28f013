import { afterEach, describe, expect, it, vi } from 'vitest';
import { deleteThread, type DeleteThreadOptions } from '../../../src/durable-agents/client/delete-thread.js';
import { RunRecords } from '../../../src/durable-agents/runs/run-records.js';
import { Tombstones } from '../../../src/durable-agents/runs/tombstones.js';
import { ThreadIndex } from '../../../src/durable-agents/threads/thread-index.js';
import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';
import { FakeDurableClient } from '../../support/fake-durable-client.js';
import { threadState, turnEntries } from '../../support/thread-entries.js';
import { UnavailableError } from '../../../src/functions/unavailable-error.js';
import { runRequest } from '../../support/run-request.js';

const thread = { agentName: 'ScriptedAgent', threadId: 'thread-1' };

it('waits for the entity again if an earlier deletion failed after it had cancelled a queued run', async () => {
  const storage = new MemoryKeyValueStore();
  const [runRecords, tombstones] = [new RunRecords(storage), new Tombstones(storage)];
  await runRecords.accept({ ...runRequest(), ...thread });
  let isEntityThere = false;
  const durable = new FakeDurableClient(
    () => undefined,
    () => (isEntityThere ? tombstones.noteEmptied(thread, new Date().toISOString()) : undefined),
  );
  const remove = () =>
    deleteThread(thread, {
      durableClient: durable.client,
      runRecords,
      tombstones,
      threadIndex: new ThreadIndex(storage),
      timeoutMs: 0,
    });
  await expect(remove()).rejects.toThrow('The thread is still being deleted.');
  expect(await runRecords.listOpen(thread)).toEqual([]);

  await expect(remove()).rejects.toThrow('The thread is still being deleted.');
  expect(await runRecords.find({ ...runRequest(), ...thread })).toMatchObject({ status: 'cancelled' });
  isEntityThere = true;
  await remove();

  expect(durable.signals.map(({ operationName }) => operationName)).toEqual(['delete', 'delete', 'delete']);
  expect(await runRecords.find({ ...runRequest(), ...thread })).toBeUndefined();
});

afterEach(() => {
  vi.useRealTimers();
});

/** A thread in the list, with this state. Each signal of a deletion sets the next of the states. */
async function setUp(states: readonly unknown[], options: Partial<DeleteThreadOptions> = {}) {
  const storage = new MemoryKeyValueStore();
  const [runRecords, tombstones, threadIndex] = [
    new RunRecords(storage),
    new Tombstones(storage),
    new ThreadIndex(storage),
  ];
  let signalCount = 0;
  const durable = new FakeDurableClient(
    () => states[signalCount],
    () => (signalCount += 1),
  );
  await threadIndex.touch(thread, { message: 'Hi', status: 'completed', at: new Date() });
  const remove = (of = thread) =>
    deleteThread(of, { durableClient: durable.client, runRecords, tombstones, threadIndex, timeoutMs: 0, ...options });
  return { durable, runRecords, tombstones, threadIndex, remove };
}

const answered = threadState(...turnEntries('a', 'Hi', { $type: 'text', text: 'Hello' }));

describe('deleting a thread', () => {
  it('empties its entity, then removes its events, its runs and its list entry', async () => {
    const steps: string[] = [];
    const onDeleted = async ({ threadId }: typeof thread) => void steps.push(threadId);
    const { durable, runRecords, threadIndex, tombstones, remove } = await setUp([answered], {
      onDeleted,
      timeoutMs: 60_000,
    });
    await runRecords.end({ ...runRequest(), ...thread }, { status: 'completed', response: 'Hello', messageCount: 2 });

    await remove();

    const { deletedAt } = (await tombstones.find(thread)) ?? {};
    expect(durable.signals).toEqual([
      { entityId: '@dafx-scriptedagent@thread-1', operationName: 'delete', input: { deletedAt } },
    ]);
    expect(steps).toEqual(['thread-1']);
    expect((await runRecords.list(thread, { limit: 9 })).runs).toEqual([]);
    expect(await threadIndex.find(thread)).toBeUndefined();
  });

  it.each([
    ['without an entity', undefined],
    ['with an entity that has no state', null],
    ['with only newer turns', threadState({ $type: 'request', createdAt: '2999-01-01T00:00:00.000Z' })],
  ])('sends no signal to a thread %s', async (_what, state) => {
    const { durable, threadIndex, remove } = await setUp([state]);

    await remove();

    expect(durable.signals).toEqual([]);
    expect(await threadIndex.find(thread)).toBeUndefined();
  });

  it.each([
    ['that is unreadable', 'garbage'],
    ['without turns', threadState()],
    ['with old turns', answered],
  ])('signals its entity once for a state %s, and fails if that does not empty it in time', async (_what, state) => {
    vi.useFakeTimers();
    const { durable, threadIndex, remove } = await setUp([state, state, state], { timeoutMs: 1000 });

    const removing = remove().catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(2000);

    const error = await removing;
    expect(error).toBeInstanceOf(UnavailableError);
    expect(error).toMatchObject({ message: expect.stringContaining('Repeat the request') });
    expect(durable.signals).toHaveLength(1);
    expect(await threadIndex.find(thread)).toBeDefined();
  });

  it('checks the entity with pauses that double from 25 ms to half a second', async () => {
    vi.useFakeTimers();
    const { durable, remove } = await setUp([answered, answered], { timeoutMs: 2500 });

    const removing = remove().catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(10_000);

    await removing;
    const gaps = durable.reads.slice(1).map((time, index) => Math.round(time - (durable.reads[index] ?? 0)));
    expect(gaps).toEqual([25, 50, 100, 200, 400, 500, 500, 500, 500]);
  });

  it('waits up to 25 seconds by default, and up to 5 for a host that does not answer', async () => {
    vi.useFakeTimers();
    const { remove } = await setUp([answered, answered], { timeoutMs: undefined as never });
    const settled = vi.fn<(error: unknown) => void>();
    void remove().catch(settled);
    await vi.advanceTimersByTimeAsync(24_900);
    expect(settled).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1000);
    expect(settled).toHaveBeenCalledWith(expect.any(UnavailableError));

    const hanging = await setUp([new Promise(() => {})]);
    const late = vi.fn<(error: unknown) => void>();
    void hanging.remove().catch(late);
    await vi.advanceTimersByTimeAsync(4999);
    expect(late).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(late).toHaveBeenCalledWith(
      expect.objectContaining({ cause: expect.objectContaining({ name: 'TimeoutError' }) }),
    );
  });

  it('fails like the host', async () => {
    const refused = new Error('Refused.');
    const { remove } = await setUp([Promise.reject(refused)]);

    await expect(remove()).rejects.toBe(refused);
  });
});
