import { expect, it } from 'vitest';
import { deleteThread } from '../../../src/durable-agents/client/delete-thread.js';
import { RunRecords } from '../../../src/durable-agents/runs/run-records.js';
import { Tombstones } from '../../../src/durable-agents/runs/tombstones.js';
import { ThreadIndex } from '../../../src/durable-agents/threads/thread-index.js';
import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';
import { FakeDurableClient } from '../../support/fake-durable-client.js';
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
