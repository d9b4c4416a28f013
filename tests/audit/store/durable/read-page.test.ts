import { beforeEach, describe, expect, it } from 'vitest';
import { StorageError } from '../../../../src/storage/storage-error.js';
import { DurableEventStore } from '../../../../src/audit/store/durable/durable-event-store.js';
import type { StoredEvent } from '../../../../src/audit/domain/stored-event.js';
import { readPage } from '../../../../src/audit/store/durable/read-page.js';
import { writerFor } from '../../../support/append-events.js';
import { thread } from '../../../support/callback-events.js';
import { MemoryStoreAdapter } from '../../../support/memory-event-storage.js';

/** A service that has lost events in the midst of others. */
class GappyEventStorage extends MemoryStoreAdapter {
  readonly missing = new Set<number>();

  override async readEvents(of = thread, first = 1, limit = 1000): Promise<StoredEvent[]> {
    const events = await super.readEvents(of, first, 1000);
    return events.filter(({ sequence }) => !this.missing.has(sequence)).slice(0, limit);
  }
}

describe('readPage, when a service has lost events between others', () => {
  let storage: GappyEventStorage;

  beforeEach(async () => {
    storage = new GappyEventStorage();
    const store = new DurableEventStore('cosmos', async () => storage);
    const texts = Array.from({ length: 12 }, (_, index) => `${index + 1}`);
    await writerFor(store).stream(...texts);
  });

  async function read(sequence: number, limit = Infinity) {
    const page = await readPage(storage, thread, { after: { sequence }, limit });
    const sequences = page.events.map((event) => event.sequence);
    return { sequences, reset: page.reset, oldest: page.head?.oldestSequence, next: page.next.sequence };
  }

  it('starts after the last gap', async () => {
    storage.missing.add(3).add(5).add(6);
    expect(await read(0)).toEqual({ sequences: [7, 8, 9, 10, 11, 12], reset: false, oldest: 7, next: 12 });
    expect(await read(4)).toEqual({ sequences: [7, 8, 9, 10, 11, 12], reset: true, oldest: 7, next: 12 });
    expect(await read(8)).toEqual({ sequences: [9, 10, 11, 12], reset: false, oldest: 1, next: 12 });
  });

  it('fills a page after a gap, so that its reader continues', async () => {
    storage.missing.add(5);
    expect(await read(0, 4)).toEqual({ sequences: [1, 2, 3, 4], reset: false, oldest: 1, next: 4 });
    expect(await read(4, 4)).toEqual({ sequences: [6, 7, 8, 9], reset: true, oldest: 6, next: 9 });
    expect(await read(2, 4)).toEqual({ sequences: [6, 7, 8, 9], reset: true, oldest: 6, next: 9 });
    expect(await read(9, 4)).toEqual({ sequences: [10, 11, 12], reset: false, oldest: 1, next: 12 });
  });

  it('fails when the newest events are missing, because they may only be late', async () => {
    storage.missing.add(12);
    await expect(read(0)).rejects.toMatchObject({
      name: StorageError.name,
      cause: { message: expect.stringContaining('changed 20 times') },
    });
  });
});
