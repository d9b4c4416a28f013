import { describe, expect, it } from 'vitest';
import type { CallbackEventPage, ListOptions } from '../../../src/audit/store/callback-event-store.js';
import type { EventThread } from '../../../src/audit/domain/event-thread.js';
import { MemoryEventStore } from '../../../src/audit/store/memory/memory-event-store.js';
import type { EventFilter } from '../../../src/audit/http/event-filter.js';
import { findEvents, type FindOptions, type FoundEvents } from '../../../src/audit/http/find-events.js';
import type { CallbackEventStore } from '../../../src/audit/store/callback-event-store.js';
import { appendEvents, writerFor } from '../../support/append-events.js';
import { finalEvent, runId, streamEvent, thread } from '../../support/callback-events.js';
import { HookedEventStore } from '../../support/hooked-event-store.js';
import { createMemoryStore } from '../../support/memory-store.js';
import { eventsOf } from '../../support/served-events.js';
import { createRecordingLog } from '../../support/recording-log.js';

function find(
  store: CallbackEventStore,
  filter: EventFilter,
  options: Partial<FindOptions> = {},
): Promise<FoundEvents> {
  const limits = { maxPageBytes: 1_000_000, maxAnswerBytes: 10_000_000 };
  return findEvents(store, thread, { filter, messages: 'each', ...limits, ...options });
}

/** A store that clears its thread and adds one event right after the first page is read. */
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
  it('discards what it found when the thread is cleared meanwhile, and reports the reset', async () => {
    const store = new StoreClearedOnTheWay();
    await appendEvents(
      store,
      Array.from({ length: 1500 }, () => streamEvent()),
    );
    const page = await find(store, { correlationId: runId(1) });
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

describe('reading a page that is larger than a page of the store', () => {
  it('reads as many of those as the limit needs', async () => {
    const store = createMemoryStore();
    await appendEvents(
      store,
      Array.from({ length: 2600 }, () => streamEvent()),
    );
    const page = await find(store, {}, { limit: 2500 });
    expect(page.events.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 2500 }, (_, index) => index + 1));
    expect(page).toMatchObject({ hasMore: true, next: { sequence: 2500 } });
    expect(await find(store, {}, { after: page.next, limit: 2500 })).toMatchObject({
      events: { length: 100 },
      hasMore: false,
    });
  });
});

describe('reading the events of a redelivered run', () => {
  it('returns only those of its latest attempt', async () => {
    const page = await find(await createHistory(), {});
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
  ])('returns the same with %o in pages of any size', async (filter, expected) => {
    const store = await createHistory();
    for (let limit = 1; limit <= 7; limit += 1) {
      const sequences: number[] = [];
      let after = { sequence: 0 };
      for (;;) {
        const page = await find(store, filter, { after, limit });
        expect(page.events.length).toBeLessThanOrEqual(limit);
        if (page.events.length === 0) break;
        sequences.push(...page.events.map(({ sequence }) => sequence));
        after = page.next;
      }
      expect(sequences).toEqual(expected);
    }
  });

  it('makes few store calls, however many events it skips', async () => {
    const store = new HookedEventStore();
    await appendEvents(
      store,
      Array.from({ length: 5000 }, () => streamEvent('half an answer')),
    );
    await writerFor(store).stream('a whole', ' answer');
    store.calls.length = 0;
    const page = await find(store, {}, { limit: 1 });
    expect(page).toMatchObject({ events: [{ sequence: 5001, attempt: 2 }], next: { sequence: 5001 } });
    expect(page.hasMore).toBe(true);
    expect(store.calls).toHaveLength(6);
  });

  it('also returns the runs of skipped events', async () => {
    const store = createMemoryStore();
    await writerFor(store).stream('half an', ' answer');
    await writerFor(store).begin();
    await appendEvents(store, [streamEvent('another run'), finalEvent()], { run: 2 });
    const { events, runs } = await find(store, {}, { limit: 2 });
    expect(events.map(({ sequence }) => sequence)).toEqual([3, 4]);
    expect(runs.get(runId(1))?.attempts).toHaveLength(2);
  });
});

describe('finding events with a size limit', () => {
  const TEXT = 'x'.repeat(1000);

  async function createLargeThread(): Promise<MemoryEventStore> {
    const store = createMemoryStore();
    await appendEvents(
      store,
      Array.from({ length: 20 }, () => streamEvent(TEXT)),
    );
    return store;
  }

  it('returns pages below the limit, with at least one event', async () => {
    const store = await createLargeThread();
    for (const [maxPageBytes, perPage] of [
      [1, 1],
      [3000, 2],
      [100_000, 20],
    ] as const) {
      const sequences: number[] = [];
      let after = { sequence: 0 };
      for (let hasMore = true; hasMore;) {
        const found = await find(store, {}, { after, limit: 1000, maxPageBytes });
        expect(found.events.length).toBeLessThanOrEqual(perPage);
        sequences.push(...found.events.map(({ sequence }) => sequence));
        ({ next: after, hasMore } = found);
      }
      expect(sequences).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    }
  });

  it('fails with 413 if all events are requested and exceed the limit, with alternatives in the error', async () => {
    const store = await createLargeThread();
    await expect(find(store, {}, { maxAnswerBytes: 20_000 })).rejects.toMatchObject({
      status: 413,
      message: expect.stringMatching(/20000 bytes.*limit=1000.*after.*request_message=once.*export/),
    });
  });

  it('counts the request message of a run once if it is sent once', async () => {
    const store = createMemoryStore();
    const writer = writerFor(store);
    Object.assign(writer.run, { requestMessage: TEXT });
    await writer.stream(...Array.from({ length: 10 }, () => 'a'));
    await expect(find(store, {}, { maxAnswerBytes: 10_000 })).rejects.toMatchObject({ status: 413 });
    expect((await find(store, {}, { maxAnswerBytes: 10_000, messages: 'once' })).events).toHaveLength(10);
  });
});

describe('the head of found events', () => {
  it('is never newer than the events, so that an ETag made from it cannot hide a change', async () => {
    const store = new HookedEventStore();
    await appendEvents(
      store,
      Array.from({ length: 1500 }, () => streamEvent()),
    );
    const before = await store.readHead(thread);
    store.hooks.after = async (method) => {
      if (method !== 'list') return;
      store.hooks.after = undefined;
      await appendEvents(store, [streamEvent('between two pages')]);
    };
    const { head, events } = await find(store, {});
    expect(events).toHaveLength(1501);
    expect(head).toEqual(before);
  });
});
