import { describe, expect, it } from 'vitest';
import type { CallbackEventPage, ListOptions } from '../../../src/audit/store/callback-event-store.js';
import type { EventThread } from '../../../src/audit/domain/event-thread.js';
import { MemoryEventStore } from '../../../src/audit/store/memory/memory-event-store.js';
import { eventsOf, hasMore, readEvents } from '../../../src/audit/http/read-events.js';
import { appendEvents, writerFor } from '../../support/append-events.js';
import { finalEvent, runId, streamEvent, thread } from '../../support/callback-events.js';
import { HookedEventStore } from '../../support/hooked-event-store.js';
import { createMemoryStore } from '../../support/memory-store.js';
import { createRecordingLog } from '../../support/recording-log.js';

/** Is cleared, and has one new event, right after its first page was read. */
class StoreClearedOnTheWay extends MemoryEventStore {
  #wasRead = false;

  constructor() {
    super({ maxThreads: 10, maxEventsPerThread: 10_000, maxBytes: 67_108_864, log: createRecordingLog() });
  }

  override async list(of: EventThread, options?: ListOptions): Promise<CallbackEventPage> {
    const page = await super.list(of, options);
    if (!this.#wasRead) {
      this.#wasRead = true;
      await this.clear(of);
      await appendEvents(this, [streamEvent('after the clear')]);
    }
    return page;
  }
}

describe('reading the events of one run', () => {
  it('forgets what it has found when the thread is cleared on the way, and tells of it', async () => {
    const store = new StoreClearedOnTheWay();
    await appendEvents(
      store,
      Array.from({ length: 1500 }, () => streamEvent()),
    );
    const page = await readEvents(store, thread, { correlationId: runId(1) });
    expect(page).toMatchObject({ reset: true, next: { sequence: 1501 } });
    expect(eventsOf(page)).toMatchObject([{ text: 'after the clear', sequence: 1501 }]);
  });
});

async function createHistory() {
  const store = createMemoryStore();
  await appendEvents(store, [streamEvent('another run'), finalEvent()], { run: 2 });
  await writerFor(store).stream('half an', ' answer');
  await writerFor(store).append(streamEvent('a whole answer'), finalEvent('a whole answer'));
  return store;
}

describe('reading the events of a run that was delivered again', () => {
  it('gives only those of its latest attempt', async () => {
    const page = await readEvents(await createHistory(), thread, {});
    expect(eventsOf(page).map(({ sequence, attempt }) => [sequence, attempt])).toEqual([
      [1, 1],
      [2, 1],
      [5, 2],
      [6, 2],
    ]);
  });

  it.each([
    [{}, [1, 2, 5, 6]],
    [{ superseded: true }, [1, 2, 3, 4, 5, 6]],
    [{ correlationId: runId(1) }, [5, 6]],
    [{ correlationId: runId(1), superseded: true }, [3, 4, 5, 6]],
    [{ eventType: 'final' as const }, [2, 6]],
  ])('gives the same with %o in pages of any size', async (filter, expected) => {
    const store = await createHistory();
    for (let limit = 1; limit <= 7; limit += 1) {
      const sequences: number[] = [];
      let after = { sequence: 0 };
      for (;;) {
        const page = await readEvents(store, thread, filter, { after, limit });
        expect(page.events.length).toBeLessThanOrEqual(limit);
        if (page.events.length === 0) break;
        sequences.push(...page.events.map(({ sequence }) => sequence));
        after = page.next;
      }
      expect(sequences).toEqual(expected);
    }
  });

  it('asks the store a few times only, however many events are left out', async () => {
    const store = new HookedEventStore();
    await appendEvents(
      store,
      Array.from({ length: 5000 }, () => streamEvent('half an answer')),
    );
    await writerFor(store).stream('a whole', ' answer');
    store.calls.length = 0;
    const page = await readEvents(store, thread, {}, { limit: 1 });
    expect(page).toMatchObject({ events: [{ sequence: 5001, attempt: 2 }], next: { sequence: 5001 } });
    expect(hasMore(page)).toBe(true);
    expect(store.calls).toHaveLength(6);
  });

  it('knows the runs of the events that are left out', async () => {
    const store = createMemoryStore();
    await writerFor(store).stream('half an', ' answer');
    await writerFor(store).begin();
    await appendEvents(store, [streamEvent('another run'), finalEvent()], { run: 2 });
    const { events, runs } = await readEvents(store, thread, {}, { limit: 2 });
    expect(events.map(({ sequence }) => sequence)).toEqual([3, 4]);
    expect(runs.get(runId(1))?.attempts).toHaveLength(2);
  });
});
