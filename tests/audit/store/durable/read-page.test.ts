import { expect, it } from 'vitest';
import { DurableEventStore } from '../../../../src/audit/store/durable/durable-event-store.js';
import { MemoryKeyValueStore } from '../../../../src/storage/memory/memory-key-value-store.js';
import { StorageError } from '../../../../src/storage/storage-error.js';
import { writerFor } from '../../../support/append-events.js';
import { thread } from '../../../support/callback-events.js';
import { partitionOf } from '../../../support/durable-event-store.js';

it.each([
  ['event|000000000000001', 'event|000000000000002'],
  ['event|000000000000002', 'event|000000000000003'],
  ['event|000000000000003', 'event|000000000000004'],
  ['message|', 'message~'],
])('a page never has a gap if the service has lost rows from %s on', async (from, before) => {
  const values = new MemoryKeyValueStore();
  const store = new DurableEventStore('cosmos', values);
  const writer = writerFor(store);
  for (const text of ['a', 'b', 'c']) await writer.stream(text);
  await values.removeRange(partitionOf(thread), { from, before });
  await expect(store.list(thread)).rejects.toMatchObject({
    name: StorageError.name,
    cause: { message: expect.stringContaining('changed 20 times') },
  });
});
