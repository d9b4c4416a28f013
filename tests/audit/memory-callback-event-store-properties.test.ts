import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NewCallbackEvent } from '../../src/audit/callback-event.js';
import type { EventThread, ListOptions } from '../../src/audit/callback-event-store.js';
import { MemoryCallbackEventStore } from '../../src/audit/memory-callback-event-store.js';
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

  list(of: EventThread, { after = 0, limit = Infinity }: ListOptions): string {
    const events = (this.#find(of)?.events ?? []).filter(({ sequence }) => sequence > after).slice(0, limit);
    return `[${events.map(({ json }) => json).join(',')}]`;
  }

  clear(of: EventThread): void {
    const record = this.#find(of);
    if (record) record.events = [];
  }

  listThreads(): unknown {
    return this.#records
      .filter(({ events }) => events.length > 0)
      .map(({ of, events, lastSequence }) => ({ ...of, eventCount: events.length, lastSequence }))
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

const listOptions = fc.record({ after: fc.nat(70), limit: fc.integer({ min: 1, max: 70 }) }, { requiredKeys: [] });

describe('MemoryCallbackEventStore', () => {
  it('keeps, drops and lists what a naive store does, whatever is done to it within any bounds', async () => {
    await fc.assert(
      fc.asyncProperty(bounds, operations, anyThread, listOptions, async (limits, sequence, asked, options) => {
        const store = new MemoryCallbackEventStore({ ...limits, log: createRecordingLog() });
        const naive = new NaiveStore(limits);
        for (const operation of sequence) {
          expect(await operation(store)).toBe(operation(naive));
          expect(store.byteLength).toBe(naive.byteLength);
        }
        expect(Buffer.from((await store.list(asked, options)).json).toString()).toBe(naive.list(asked, options));
        expect(await store.listThreads()).toEqual(naive.listThreads());
        expect(store.droppedEventCount).toBe(naive.droppedEventCount);
      }),
    );
  });
});
