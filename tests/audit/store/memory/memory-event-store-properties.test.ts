import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EventThread } from '../../../../src/audit/domain/event-thread.js';
import type { EventCursor } from '../../../../src/audit/domain/event-cursor.js';
import type { StoredEvent, NewEvent } from '../../../../src/audit/domain/stored-event.js';
import type { MemoryEventStore } from '../../../../src/audit/store/memory/memory-event-store.js';
import { anyText } from '../../../support/any-text.js';
import { appendEvents } from '../../../support/append-events.js';
import { finalEvent, runId, runOf, streamEvent } from '../../../support/callback-events.js';
import { type Bounds, createMemoryStore } from '../../../support/memory-store.js';

interface NaiveEvent {
  readonly sequence: number;
  readonly run: number;
  readonly event: NewEvent;
}

interface NaiveRecord {
  readonly of: EventThread;
  events: NaiveEvent[];
  /** The runs with stored messages, and whether they have ended. */
  readonly runs: Map<number, boolean>;
  /** The run of the newest event. */
  newestRun?: number | undefined;
  lastSequence: number;
}

/** The expected store: plain lists that are recounted each time. */
class NaiveStore {
  /** Ordered by their latest event, oldest first. */
  #records: NaiveRecord[] = [];
  #latest: NaiveRecord | undefined;
  droppedEventCount = 0;
  readonly #bounds: Required<Bounds>;

  constructor(bounds: Required<Bounds>) {
    this.#bounds = bounds;
  }

  get byteLength(): number {
    const texts = this.#records.flatMap(({ events, runs }) => [
      ...events.map(({ event }) => event.timestamp + event.fields),
      ...[...runs.keys()].map((run) => runOf(run).requestMessage),
    ]);
    return Buffer.byteLength(texts.join(''));
  }

  append(of: EventThread, run: number, event: NewEvent): void {
    let record = this.#find(of);
    if (record === undefined) {
      record = { of, events: [], runs: new Map(), lastSequence: 0 };
      this.#records.push(record);
    }
    if (!record.runs.has(run)) {
      record.runs.set(run, false);
      record.newestRun = run;
      this.#keepBounds(record);
    }
    if (event.eventType !== 'stream') record.runs.set(run, true);
    record.newestRun = run;
    record.lastSequence += 1;
    record.events.push({ sequence: record.lastSequence, run, event });
    this.#records = [...this.#records.filter((other) => other !== record), record];
    this.#latest = record;
    this.#keepBounds(record);
  }

  list(of: EventThread, after = 0, limit = Infinity): { readonly events: unknown; readonly reset: boolean } {
    const kept = this.#find(of)?.events ?? [];
    // A cursor refers to an event, and is invalid without it.
    const reset = after > 0 && kept.every(({ sequence }) => sequence !== after);
    const events = kept.filter(({ sequence }) => reset || sequence > after).slice(0, limit);
    return {
      events: events.map(({ sequence, run, event: { timestamp, eventType, fields } }) => {
        return { sequence, correlationId: runId(run), attempt: 1, timestamp, eventType, fields };
      }),
      reset,
    };
  }

  clear(of: EventThread): void {
    const record = this.#find(of);
    if (record === undefined) return;
    record.runs.clear();
    record.events = [];
    record.newestRun = undefined;
  }

  #find({ agentName, threadId }: EventThread): NaiveRecord | undefined {
    return this.#records.find(({ of }) => of.agentName === agentName && of.threadId === threadId);
  }

  #keepBounds(changed: NaiveRecord): void {
    const { maxThreads, maxEventsPerThread, maxBytes } = this.#bounds;
    while (changed.events.length > maxEventsPerThread) this.#dropOldest(changed);
    while (this.#records.length > maxThreads) this.droppedEventCount += this.#records.shift()?.events.length ?? 0;
    while (this.byteLength > maxBytes) {
      const oldest = this.#records.find(({ events }) => events.length > 0);
      if (oldest === undefined || (oldest === this.#latest && oldest.events.length === 1)) break;
      this.#dropOldest(oldest);
    }
  }

  #dropOldest(record: NaiveRecord): void {
    const dropped = record.events.shift();
    this.droppedEventCount += 1;
    if (dropped === undefined) return;
    const goesOn = dropped.run === record.newestRun && record.runs.get(dropped.run) === false;
    if (goesOn) return;
    if (record.events.every(({ run }) => run !== dropped.run)) record.runs.delete(dropped.run);
  }
}

const anyThread = fc.record({
  agentName: fc.constantFrom('CallbackAgent', 'OtherAgent'),
  threadId: fc.constantFrom('a', 'b', 'A', 'a:b'),
});

type Operation =
  | { readonly kind: 'append'; readonly of: EventThread; readonly run: number; readonly event: NewEvent }
  | { readonly kind: 'clear'; readonly of: EventThread };

async function apply(store: MemoryEventStore, operation: Operation): Promise<void> {
  if (operation.kind === 'clear') return store.clear(operation.of);
  return appendEvents(store, [operation.event], operation);
}

function applyNaively(store: NaiveStore, operation: Operation): void {
  if (operation.kind === 'clear') store.clear(operation.of);
  else store.append(operation.of, operation.run, operation.event);
}

const anyEvent = fc
  .tuple(anyText(), fc.boolean())
  .map(([text, isFinal]) => (isFinal ? finalEvent(text) : streamEvent(text)));

const operations = fc.array(
  fc.oneof(
    {
      weight: 10,
      arbitrary: fc.record({
        kind: fc.constant<'append'>('append'),
        of: anyThread,
        run: fc.integer({ min: 1, max: 3 }),
        event: anyEvent,
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant<'clear'>('clear'), of: anyThread }) },
  ),
  { maxLength: 60, size: 'max' },
);

const bounds = fc.record({
  maxThreads: fc.integer({ min: 1, max: 8 }),
  maxEventsPerThread: fc.integer({ min: 1, max: 20 }),
  maxBytes: fc.integer({ min: 1, max: 5_000 }),
});

const cursor = fc.option(fc.nat(70), { nil: undefined });
const pageLimit = fc.option(fc.integer({ min: 1, max: 70 }), { nil: undefined });

/** Follows a thread like a client: discards its events after a reset. */
class Follower {
  readonly #store: MemoryEventStore;
  readonly #of: EventThread;
  #after: EventCursor | undefined;
  events: StoredEvent[] = [];

  constructor(store: MemoryEventStore, of: EventThread) {
    this.#store = store;
    this.#of = of;
  }

  /** @returns whether there was anything to read */
  async read(): Promise<boolean> {
    const page = await this.#store.list(this.#of, { limit: 3, ...(this.#after && { after: this.#after }) });
    if (page.reset) this.events = [];
    this.events.push(...page.events);
    this.#after = page.next;
    return page.reset || page.events.length > 0;
  }
}

describe('MemoryCallbackEventStore', () => {
  it('keeps, drops and lists the same events as a naive store, for any operations and limits', async () => {
    await fc.assert(
      fc.asyncProperty(
        bounds,
        operations,
        anyThread,
        cursor,
        pageLimit,
        async (limits, sequence, asked, after, limit) => {
          const store = createMemoryStore(limits);
          const naive = new NaiveStore(limits);
          const lengths: (readonly [actual: number, expected: number])[] = [];
          for (const operation of sequence) {
            await apply(store, operation);
            applyNaively(naive, operation);
            lengths.push([store.byteLength, naive.byteLength]);
          }
          expect(lengths.filter(([actual, expected]) => actual !== expected)).toEqual([]);
          const { events, reset } = await store.list(asked, {
            ...(after !== undefined && { after: { sequence: after } }),
            ...(limit !== undefined && { limit }),
          });
          expect({ events, reset }).toEqual(naive.list(asked, after, limit));
        },
      ),
    );
  });

  it('leads a reader from cursor to cursor to all stored events, once and in order', async () => {
    await fc.assert(
      fc.asyncProperty(
        bounds,
        operations,
        anyThread,
        fc.infiniteStream(fc.boolean()),
        async (limits, steps, of, reads) => {
          const store = createMemoryStore(limits);
          const follower = new Follower(store, of);
          for (const step of steps) {
            await apply(store, step);
            if (reads.next().value) await follower.read();
          }
          while (await follower.read());
          const kept = (await store.list(of)).events;
          const { events } = follower;
          expect(events.slice(events.length - kept.length)).toEqual(kept);
          const sequences = events.map(({ sequence }) => sequence);
          expect(sequences).toEqual([...new Set(sequences)].toSorted((one, other) => one - other));
        },
      ),
    );
  });
});
