import { randomBytes } from 'node:crypto';
import type { Logger } from '../durable-agents/index.js';
import type { NewCallbackEvent } from './callback-event.js';
import type {
  CallbackEventPage,
  CallbackEventStore,
  EventThread,
  EventThreadSummary,
  ListOptions,
} from './callback-event-store.js';
import { type EventCursor, type EventRecord, isLost, START } from './event-cursor.js';
import { EventLog } from './event-log.js';
import { ThreadTotals } from './thread-totals.js';

export interface MemoryCallbackEventStoreOptions {
  /** Beyond it the thread that was longest without a new event is dropped whole. */
  readonly maxThreads: number;
  /** Beyond it a thread's oldest events are dropped. */
  readonly maxEventsPerThread: number;
  /**
   * Bytes of the JSON of all events. Beyond it the oldest events go, of the thread that was longest without a new one
   * first. The newest event of all is always kept, and an emptied thread goes on counting.
   */
  readonly maxBytes: number;
  /** Told once for each thread that loses events to these bounds. */
  readonly log: Logger;
}

const MAX_KEPT_PAGE_BYTES = 4096;

interface ThreadRecord {
  readonly thread: EventThread;
  readonly epoch: string;
  readonly events: EventLog;
  totals: ThreadTotals;
  /** For the other readers who stand at the same place; absent once the events have changed. */
  latestPage?: { readonly from: number; readonly limit: number; readonly page: CallbackEventPage } | undefined;
  hasDropped: boolean;
}

/** Keeps events in the memory of this process: gone with it, and unknown to other processes. */
export class MemoryCallbackEventStore implements CallbackEventStore {
  readonly #options: MemoryCallbackEventStoreOptions;
  /** In the order of their latest event, the oldest first. */
  readonly #records = new Map<string, ThreadRecord>();
  readonly #watchers = new Map<string, Set<() => void>>();
  #byteLength = 0;
  #droppedEventCount = 0;

  constructor(options: MemoryCallbackEventStoreOptions) {
    this.#options = options;
  }

  /** How many events were dropped by the bounds so far. */
  get droppedEventCount(): number {
    return this.#droppedEventCount;
  }

  /** Bytes of the JSON of all events. */
  get byteLength(): number {
    return this.#byteLength;
  }

  async append(event: NewCallbackEvent): Promise<number> {
    const thread = { agentName: event.agent_name, threadId: event.thread_id };
    const key = keyOf(thread);
    const record = this.#records.get(key) ?? createRecord(thread);
    const { events } = record;
    const sequence = events.lastSequence + 1;
    const lengthBefore = events.byteLength;
    // Written behind the other fields: copying the event to add one costs more than all the rest of this.
    events.append(`${JSON.stringify(event).slice(0, -1)},"sequence":${sequence}}`);
    record.totals.add(event);
    record.latestPage = undefined;
    this.#byteLength += events.byteLength - lengthBefore;
    this.#records.delete(key);
    this.#records.set(key, record);
    this.#keepBounds(record);
    this.#wake(key);
    return sequence;
  }

  async list(thread: EventThread, options: ListOptions = {}): Promise<CallbackEventPage> {
    const { after = START, limit = Infinity } = options;
    const found = this.#records.get(keyOf(thread));
    if (found === undefined) {
      return { json: Buffer.from('[]'), count: 0, reset: isLost(after, undefined), next: START };
    }
    const { epoch, events } = found;
    const record = stateOf(found);
    const reset = isLost(after, record);
    const from = reset ? 0 : after.sequence;
    const { latestPage } = found;
    if (latestPage !== undefined && latestPage.from === from && latestPage.limit === limit && !reset) {
      return latestPage.page;
    }
    const first = Math.max(from + 1, record.oldestSequence);
    const count = Math.max(0, Math.min(limit, record.newestSequence - first + 1));
    const json = count === 0 ? Buffer.from('[]') : events.slice(first, count);
    const page = { json, count, reset, next: { epoch, sequence: count === 0 ? from : first + count - 1 }, record };
    if (count > 0 && json.length <= MAX_KEPT_PAGE_BYTES && !reset) found.latestPage = { from, limit, page };
    return page;
  }

  waitForChange(thread: EventThread, after: EventCursor, signal: AbortSignal): Promise<boolean> {
    const key = keyOf(thread);
    return new Promise((resolve) => {
      if (signal.aborted) return resolve(false);
      if (hasNewsBehind(after, this.#records.get(key))) return resolve(true);
      const watchers = this.#watchers.get(key) ?? new Set();
      this.#watchers.set(key, watchers);
      const settle = (changed: boolean): void => {
        signal.removeEventListener('abort', onAbort);
        watchers.delete(onChange);
        if (watchers.size === 0) this.#watchers.delete(key);
        resolve(changed);
      };
      const onChange = (): void => settle(true);
      const onAbort = (): void => settle(false);
      watchers.add(onChange);
      signal.addEventListener('abort', onAbort);
    });
  }

  async clear(thread: EventThread): Promise<void> {
    const key = keyOf(thread);
    const record = this.#records.get(key);
    if (record === undefined) return;
    this.#byteLength -= record.events.byteLength;
    record.events.clear();
    record.latestPage = undefined;
    record.totals = new ThreadTotals();
    this.#wake(key);
  }

  async listThreads(): Promise<EventThreadSummary[]> {
    return [...this.#records.values()].toReversed().flatMap(({ thread, events, totals }) => {
      const counted = totals.get();
      return counted === undefined || events.count === 0 ? [] : [{ ...thread, eventCount: events.count, ...counted }];
    });
  }

  #wake(key: string): void {
    for (const watcher of this.#watchers.get(key) ?? []) watcher();
  }

  #keepBounds(newest: ThreadRecord): void {
    const { maxThreads, maxEventsPerThread, maxBytes } = this.#options;
    while (newest.events.count > maxEventsPerThread) this.#dropOldestEvent(newest, 'events per thread');
    for (const [key, record] of this.#records) {
      if (this.#records.size <= maxThreads) break;
      while (record.events.count > 0) this.#dropOldestEvent(record, 'threads');
      this.#records.delete(key);
      this.#wake(key);
    }
    for (const [key, record] of this.#records) {
      if (this.#byteLength <= maxBytes) break;
      const kept = record === newest ? 1 : 0;
      while (this.#byteLength > maxBytes && record.events.count > kept) this.#dropOldestEvent(record, 'bytes');
      if (record.events.count === 0) this.#wake(key);
    }
  }

  #dropOldestEvent(record: ThreadRecord, limit: string): void {
    const lengthBefore = record.events.byteLength;
    record.events.dropOldest();
    record.latestPage = undefined;
    this.#byteLength -= lengthBefore - record.events.byteLength;
    this.#droppedEventCount += 1;
    if (record.hasDropped) return;
    record.hasDropped = true;
    const { agentName, threadId } = record.thread;
    this.#options.log.warn(
      `[${agentName}] the event store is full (${limit}): the oldest events of thread ${threadId} are being dropped`,
    );
  }
}

function createRecord(thread: EventThread): ThreadRecord {
  const epoch = randomBytes(4).toString('hex');
  return { thread, epoch, events: new EventLog(), totals: new ThreadTotals(), hasDropped: false };
}

function stateOf({ epoch, events }: ThreadRecord): EventRecord {
  return { epoch, oldestSequence: events.firstSequence, newestSequence: events.lastSequence };
}

function hasNewsBehind(after: EventCursor, found: ThreadRecord | undefined): boolean {
  if (found === undefined) return isLost(after, undefined);
  const record = stateOf(found);
  return isLost(after, record) || (found.events.count > 0 && after.sequence < record.newestSequence);
}

/** Neither agent names nor thread ids hold a `|`. */
function keyOf({ agentName, threadId }: EventThread): string {
  return `${agentName}|${threadId}`;
}
