import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CallbackEvent, NewCallbackEvent } from '../../src/audit/callback-event.js';
import type { EventThread } from '../../src/audit/callback-event-store.js';
import type { EventCursor } from '../../src/audit/event-cursor.js';
import { MemoryCallbackEventStore } from '../../src/audit/memory-callback-event-store.js';
import { eventsOf } from '../../src/audit/read-events.js';
import { streamEvent } from '../support/callback-events.js';
import { createRecordingLog } from '../support/recording-log.js';

interface Bounds {
  readonly maxThreads: number;
  readonly maxEventsPerThread: number;
  readonly maxBytes: number;
}

interface NaiveRecord {
  readonly of: EventThread;
  events: { readonly sequence: number; readonly json: string }[];
  lastSequence: number;
}

/** Keeps events in plain lists, and counts everything anew each time. */
class NaiveStore {
  /** The one with the latest event last. */
  #records: NaiveRecord[] = [];
  droppedEventCount = 0;
  readonly #bounds: Bounds;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  get byteLength(): number {
    return Buffer.byteLength(this.#records.flatMap(({ events }) => events.map(({ json }) => json)).join(''));
  }

  append(event: NewCallbackEvent): number {
    const of = { agentName: event.agent_name, threadId: event.thread_id };
    const record = this.#find(of) ?? { of, events: [], lastSequence: 0 };
    record.lastSequence += 1;
    record.events.push({
      sequence: record.lastSequence,
      json: JSON.stringify({ ...event, sequence: record.lastSequence }),
    });
    this.#records = [...this.#records.filter((other) => other !== record), record];
    const { maxThreads, maxEventsPerThread, maxBytes } = this.#bounds;
    while (record.events.length > maxEventsPerThread) this.#dropOldest(record);
    while (this.#records.length > maxThreads) this.droppedEventCount += this.#records.shift()?.events.length ?? 0;
    while (this.byteLength > maxBytes) {
      const oldest = this.#records.find(({ events }) => events.length > 0);
      if (oldest === undefined || (oldest === record && record.events.length === 1)) break;
      this.#dropOldest(oldest);
    }
    return record.lastSequence;
  }

  list(of: EventThread, after = 0, limit = Infinity): { readonly json: string; readonly reset: boolean } {
    const kept = this.#find(of)?.events ?? [];
    // A cursor stands behind an event, and is worth nothing without it.
    const reset = after > 0 && kept.every(({ sequence }) => sequence !== after);
    const events = kept.filter(({ sequence }) => reset || sequence > after).slice(0, limit);
    return { json: `[${events.map(({ json }) => json).join(',')}]`, reset };
  }

  clear(of: EventThread): void {
    const record = this.#find(of);
    if (record) record.events = [];
  }

  listThreads(): unknown {
    return this.#records
      .filter(({ events }) => events.length > 0)
      .map(({ of, events }) => ({ ...of, eventCount: events.length }))
      .toReversed();
  }

  #find({ agentName, threadId }: EventThread): NaiveRecord | undefined {
    return this.#records.find(({ of }) => of.agentName === agentName && of.threadId === threadId);
  }

  #dropOldest(record: NaiveRecord): void {
    record.events.shift();
    this.droppedEventCount += 1;
  }
}

const anyThread = fc.record({
  agentName: fc.constantFrom('CallbackAgent', 'OtherAgent'),
  threadId: fc.constantFrom('a', 'b', 'A', 'a:b'),
});

interface Appendable {
  append(event: NewCallbackEvent): unknown;
  clear(of: EventThread): unknown;
}

type Operation = (store: Appendable) => unknown;

const operations = fc.array(
  fc.oneof(
    {
      weight: 10,
      arbitrary: fc.tuple(anyThread, fc.string({ unit: 'binary' })).map(
        ([of, text]): Operation =>
          (store) =>
            store.append(streamEvent(text, of)),
      ),
    },
    {
      weight: 1,
      arbitrary: anyThread.map(
        (of): Operation =>
          (store) =>
            store.clear(of),
      ),
    },
  ),
  { maxLength: 60, size: 'max' },
);

const bounds = fc.record({
  maxThreads: fc.integer({ min: 1, max: 8 }),
  maxEventsPerThread: fc.integer({ min: 1, max: 20 }),
  maxBytes: fc.integer({ min: 1, max: 8_000 }),
});

const cursor = fc.option(fc.nat(70), { nil: undefined });
const pageLimit = fc.option(fc.integer({ min: 1, max: 70 }), { nil: undefined });

/** Follows a thread as a client does: forgets what it has when it is reset. */
class Follower {
  readonly #store: MemoryCallbackEventStore;
  readonly #of: EventThread;
  #after: EventCursor | undefined;
  events: CallbackEvent[] = [];

  constructor(store: MemoryCallbackEventStore, of: EventThread) {
    this.#store = store;
    this.#of = of;
  }

  /** @returns whether there was anything to read */
  async read(): Promise<boolean> {
    const page = await this.#store.list(this.#of, { limit: 3, ...(this.#after && { after: this.#after }) });
    if (page.reset) this.events = [];
    this.events.push(...eventsOf(page));
    this.#after = page.next;
    return page.reset || page.count > 0;
  }
}

describe('MemoryCallbackEventStore', () => {
  it('keeps, drops and lists what a naive store does, whatever is done to it within any bounds', async () => {
    await fc.assert(
      fc.asyncProperty(
        bounds,
        operations,
        anyThread,
        cursor,
        pageLimit,
        async (limits, sequence, asked, after, limit) => {
          const store = new MemoryCallbackEventStore({ ...limits, log: createRecordingLog() });
          const naive = new NaiveStore(limits);
          for (const operation of sequence) {
            expect(await operation(store)).toBe(operation(naive));
            expect(store.byteLength).toBe(naive.byteLength);
          }
          const { json, reset } = await store.list(asked, {
            ...(after !== undefined && { after: { sequence: after } }),
            ...(limit !== undefined && { limit }),
          });
          expect({ json: Buffer.from(json).toString(), reset }).toEqual(naive.list(asked, after, limit));
          const threads = await store.listThreads();
          expect(threads.map(({ agentName, threadId, eventCount }) => ({ agentName, threadId, eventCount }))).toEqual(
            naive.listThreads(),
          );
          expect(store.droppedEventCount).toBe(naive.droppedEventCount);
        },
      ),
    );
  });

  it('leads a reader who goes on from cursor to cursor to all that is kept, each event once and in order', async () => {
    await fc.assert(
      fc.asyncProperty(
        bounds,
        operations,
        anyThread,
        fc.infiniteStream(fc.boolean()),
        async (limits, steps, of, reads) => {
          const store = new MemoryCallbackEventStore({ ...limits, log: createRecordingLog() });
          const follower = new Follower(store, of);
          for (const step of steps) {
            await step(store);
            if (reads.next().value) await follower.read();
          }
          while (await follower.read());
          const kept = eventsOf(await store.list(of));
          const { events } = follower;
          expect(events.slice(events.length - kept.length)).toEqual(kept);
          const sequences = events.map(({ sequence }) => sequence);
          expect(sequences).toEqual([...new Set(sequences)].toSorted((one, other) => one - other));
        },
      ),
    );
  });
});
