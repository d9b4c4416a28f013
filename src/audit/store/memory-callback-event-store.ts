import type { Logger } from '../../durable-agents/index.js';
import type {
  AppendResult,
  CallbackEventPage,
  CallbackEventStore,
  EventThread,
  EventThreadSummary,
  ListOptions,
  OpenAttempt,
} from './callback-event-store.js';
import { checkAppendSize } from './check-append-size.js';
import { type EventRecord, isLost, START } from './event-cursor.js';
import type { NewEvent } from './kept-event.js';
import { createThreadRecord, type MemoryThreadRecord, runsOf, tagOf, toKeptEvent } from './memory-thread-record.js';
import {
  acceptRun,
  appendEvents,
  beginAttempt,
  clearRecord,
  type Decision,
  dropOldest,
  isReached,
  markRun,
  type RecordChange,
  type RecordState,
} from './record-changes.js';
import type { RunDescription, RunMark, RunRecord } from './run-record.js';
import type { ThreadHead } from './thread-head.js';
import { threadKey } from './thread-key.js';
import { ThreadWatchers } from './thread-watchers.js';

export interface MemoryCallbackEventStoreOptions {
  /** Beyond it the thread that was longest without a new event is dropped whole. */
  readonly maxThreads: number;
  /** Beyond it a thread's oldest events are dropped. */
  readonly maxEventsPerThread: number;
  /**
   * Bytes of what is kept of all events, and of the request message of each run. Beyond it the oldest events go, of the
   * thread that was longest without a new one first. The newest event of all is always kept, and an emptied thread goes
   * on counting.
   */
  readonly maxBytes: number;
  /** Told once for each thread that loses events to these bounds. */
  readonly log: Logger;
}

const MAX_KEPT_PAGE_EVENTS = 20;

/** Keeps events in the memory of this process: gone with it, and unknown to other processes. */
export class MemoryCallbackEventStore implements CallbackEventStore {
  readonly kind = 'memory';
  readonly #options: MemoryCallbackEventStoreOptions;
  /** In the order of their latest event, the oldest first; a thread without events is where it began. */
  readonly #records = new Map<string, MemoryThreadRecord>();
  /** Of the newest event of all. */
  #latest: MemoryThreadRecord | undefined;
  readonly #watchers = new ThreadWatchers();
  #byteLength = 0;
  #droppedEventCount = 0;

  constructor(options: MemoryCallbackEventStoreOptions) {
    this.#options = options;
  }

  /** How many events were dropped by the bounds so far. */
  get droppedEventCount(): number {
    return this.#droppedEventCount;
  }

  /** Bytes of what is kept of all events, and of the request messages. */
  get byteLength(): number {
    return this.#byteLength;
  }

  async acceptRun(thread: EventThread, run: RunDescription): Promise<RunRecord> {
    return this.#change(thread, run.correlationId, (state) => acceptRun(state, run));
  }

  async beginAttempt(thread: EventThread, run: RunDescription, token: string, startedAt: string): Promise<OpenAttempt> {
    const attempt = this.#change(thread, run.correlationId, (state) => beginAttempt(state, run, token, startedAt));
    return { thread, run, attempt, token, startedAt };
  }

  async append(attempt: OpenAttempt, firstIndex: number, events: readonly NewEvent[]): Promise<AppendResult> {
    checkAppendSize(events);
    return this.#change(attempt.thread, attempt.run.correlationId, (state) =>
      appendEvents(state, attempt, firstIndex, events),
    );
  }

  async markRun(thread: EventThread, correlationId: string, mark: RunMark): Promise<RunRecord | undefined> {
    return this.#change(thread, correlationId, (state) => markRun(state, mark));
  }

  async readRun(thread: EventThread, correlationId: string): Promise<RunRecord | undefined> {
    return this.#records.get(threadKey(thread))?.runs.get(correlationId);
  }

  async list(thread: EventThread, options: ListOptions = {}): Promise<CallbackEventPage> {
    const { after = START, limit = Infinity } = options;
    const found = this.#records.get(threadKey(thread));
    if (found === undefined) {
      return { thread, events: [], runs: new Map(), reset: isLost(after, undefined), next: START };
    }
    const { head: record, events, runs, latestPage } = found;
    const reset = isLost(after, record);
    const from = reset ? 0 : after.sequence;
    if (latestPage !== undefined && latestPage.from === from && latestPage.limit === limit && !reset) {
      return latestPage.page;
    }
    const first = Math.max(from + 1, record.oldestSequence);
    const count = Math.max(0, Math.min(limit, record.newestSequence - first + 1));
    const listed = count === 0 ? [] : events.slice(first, count).map(toKeptEvent);
    const page = {
      thread,
      events: listed,
      runs: runsOf(listed, record, runs),
      reset,
      next: { epoch: record.epoch, sequence: count === 0 ? from : first + count - 1 },
      record,
    };
    if (count > 0 && count <= MAX_KEPT_PAGE_EVENTS && !reset) found.latestPage = { from, limit, page };
    return page;
  }

  async waitForChange(thread: EventThread, seen: EventRecord | undefined, signal: AbortSignal): Promise<boolean> {
    const head = this.#records.get(threadKey(thread))?.head;
    if (!signal.aborted && (head?.epoch !== seen?.epoch || head?.version !== seen?.version)) return true;
    return this.#watchers.wait(thread, seen, signal);
  }

  async clear(thread: EventThread): Promise<void> {
    const record = this.#records.get(threadKey(thread));
    const { change } = clearRecord(record?.head);
    if (record === undefined || change === undefined) return;
    this.#byteLength -= record.events.byteLength;
    record.events.clear();
    for (const run of record.runs.values()) this.#byteLength -= Buffer.byteLength(run.requestMessage);
    record.runs.clear();
    this.#setHead(record, change.head);
  }

  async listThreads(agentName: string): Promise<EventThreadSummary[]> {
    return [...this.#records.values()].toReversed().flatMap(({ thread, events, head: { totals } }) => {
      const isListed = thread.agentName === agentName && totals !== undefined && events.count > 0;
      return isListed ? [{ ...thread, eventCount: events.count, ...totals }] : [];
    });
  }

  async ping(): Promise<void> {}

  async close(): Promise<void> {
    this.#watchers.close();
  }

  #change<Result>(
    thread: EventThread,
    correlationId: string,
    decide: (state: RecordState) => Decision<Result>,
  ): Result {
    const key = threadKey(thread);
    const found = this.#records.get(key);
    const { change, result } = decide({ head: found?.head, run: found?.runs.get(correlationId) });
    if (change !== undefined) this.#apply(key, found ?? createThreadRecord(thread, change.head), change);
    return result;
  }

  #apply(key: string, record: MemoryThreadRecord, { head, run, isNewRun, events }: RecordChange): void {
    if (run !== undefined) {
      record.runs.set(run.correlationId, run);
      if (isNewRun) this.#byteLength += Buffer.byteLength(run.requestMessage);
    }
    const lengthBefore = record.events.byteLength;
    for (const event of events) record.events.append(event.timestamp + event.fields, tagOf(record, event));
    this.#byteLength += record.events.byteLength - lengthBefore;
    if (events.length > 0) {
      this.#records.delete(key);
      this.#latest = record;
    }
    this.#records.set(key, record);
    record.head = head;
    if (events.length > 0 || isNewRun) this.#keepBounds(record);
    this.#setHead(record, record.head);
  }

  #setHead(record: MemoryThreadRecord, head: ThreadHead): void {
    record.head = head;
    record.latestPage = undefined;
    this.#watchers.announce(record.thread, head);
  }

  #keepBounds(changed: MemoryThreadRecord): void {
    const { maxThreads, maxEventsPerThread, maxBytes } = this.#options;
    this.#dropWhile(changed, 'events per thread', () => changed.events.count > maxEventsPerThread);
    for (const [key, record] of this.#records) {
      if (this.#records.size <= maxThreads) break;
      this.#dropWhile(record, 'threads', () => record.events.count > 0);
      for (const run of record.runs.values()) this.#byteLength -= Buffer.byteLength(run.requestMessage);
      this.#records.delete(key);
      this.#watchers.announce(record.thread, undefined);
    }
    for (const record of this.#records.values()) {
      if (this.#byteLength <= maxBytes) break;
      const kept = record === this.#latest ? 1 : 0;
      this.#dropWhile(record, 'bytes', () => this.#byteLength > maxBytes && record.events.count > kept);
    }
  }

  #dropWhile(record: MemoryThreadRecord, limit: string, isTooMuch: () => boolean): void {
    if (!isTooMuch()) return;
    do this.#dropOldestEvent(record);
    while (isTooMuch());
    this.#setHead(record, dropOldest(record.head, record.events.firstSequence).head);
    if (record.hasDropped) return;
    record.hasDropped = true;
    const { agentName, threadId } = record.thread;
    this.#options.log.warn(
      `[${agentName}] the event store is full (${limit}): the oldest events of thread ${threadId} are being dropped`,
    );
  }

  #dropOldestEvent({ events, runs, head: { newestAttempt } }: MemoryThreadRecord): void {
    const lengthBefore = events.byteLength;
    const dropped = events.dropOldest();
    this.#byteLength -= lengthBefore - events.byteLength;
    this.#droppedEventCount += 1;
    const run = dropped && runs.get(dropped.correlationId);
    const now = { oldestSequence: events.firstSequence, ...(newestAttempt && { newestAttempt }) };
    if (run === undefined || isReached(run, now)) return;
    runs.delete(run.correlationId);
    this.#byteLength -= Buffer.byteLength(run.requestMessage);
  }
}
