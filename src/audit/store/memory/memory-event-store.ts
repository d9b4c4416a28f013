import type { Logger } from '../../../functions/logger.js';
import type { AppendResult } from '../../domain/thread-changes.js';
import type {
  CallbackEventPage,
  CallbackEventStore,
  EventThreadSummary,
  ListOptions,
} from '../callback-event-store.js';
import type { EventThread } from '../../domain/event-thread.js';
import type { OpenAttempt } from '../../domain/run-record.js';
import { checkAppendSize } from '../check-append-size.js';
import type { ThreadHead } from '../../domain/thread-head.js';
import { isLost, START } from '../../domain/event-cursor.js';
import type { NewEvent } from '../../domain/stored-event.js';
import { createMemoryThread, type MemoryThread, runsOf, tagOf, toStoredEvent } from './memory-thread.js';
import {
  acceptRun,
  appendEvents,
  beginAttempt,
  clearRecord,
  type Decision,
  dropOldest,
  isReached,
  type ThreadChange,
  type ThreadSnapshot,
} from '../../domain/thread-changes.js';
import type { RunDescription, RunRecord } from '../../domain/run-record.js';
import { threadKey } from '../../domain/event-thread.js';
import { ThreadWatchers } from '../thread-watchers.js';

export interface MemoryEventStoreOptions {
  /** Beyond it the thread that was longest without a new event is dropped whole. */
  readonly maxThreads: number;
  /** Beyond it a thread's oldest events are dropped. */
  readonly maxEventsPerThread: number;
  /**
   * Bytes of what is kept of all events, and of the request message of each run. Beyond it the runs go that have not
   * begun, which are kept again when they do, and then the oldest events, of the thread that was longest without a new
   * one first. The newest event of all is always kept, and an emptied thread goes on counting.
   */
  readonly maxBytes: number;
  /** Told once for each thread that loses events to these bounds. */
  readonly log: Logger;
}

const MAX_KEPT_PAGES = 100;
const MAX_KEPT_PAGE_EVENTS = 20;

/** For the other readers who stand at the same place. */
interface KeptPage {
  readonly from: number;
  readonly limit: number;
  readonly page: CallbackEventPage;
}

/** Keeps events in the memory of this process: gone with it, and unknown to other processes. */
export class MemoryEventStore implements CallbackEventStore {
  readonly kind = 'memory';
  readonly #options: MemoryEventStoreOptions;
  /** In the order of their latest event, the oldest first; a thread without events is where it began. */
  readonly #records = new Map<string, MemoryThread>();
  /** Of the newest event of all. */
  #latest: MemoryThread | undefined;
  /** Runs that were accepted and have not begun, the oldest first. */
  readonly #waitingRuns = new Map<RunRecord, MemoryThread>();
  /** The latest pages, of threads that have not changed since. */
  readonly #pages = new Map<MemoryThread, KeptPage>();
  readonly #watchers = new ThreadWatchers();
  #byteLength = 0;

  constructor(options: MemoryEventStoreOptions) {
    this.#options = options;
  }

  /** Bytes of what is kept of all events, and of the request messages. */
  get byteLength(): number {
    return this.#byteLength;
  }

  async acceptRun(thread: EventThread, run: RunDescription): Promise<RunRecord> {
    return this.#change(thread, run.correlationId, (state) => acceptRun(state, run));
  }

  async beginAttempt(
    thread: EventThread,
    run: RunDescription,
    token: string,
    startedAt: string,
    startedMs = performance.now(),
  ): Promise<OpenAttempt> {
    const attempt = this.#change(thread, run.correlationId, (state) =>
      beginAttempt(state, run, token, startedAt, performance.now() - startedMs),
    );
    return { thread, run, attempt, token, startedAt };
  }

  async append(attempt: OpenAttempt, firstIndex: number, events: readonly NewEvent[]): Promise<AppendResult> {
    checkAppendSize(events);
    return this.#change(attempt.thread, attempt.run.correlationId, (state) =>
      appendEvents(state, attempt, firstIndex, events),
    );
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
    const { head, events, runs } = found;
    const reset = isLost(after, head);
    const from = reset ? 0 : after.sequence;
    const kept = this.#pages.get(found);
    if (kept !== undefined && kept.from === from && kept.limit === limit && !reset) return kept.page;
    const first = Math.max(from + 1, head.oldestSequence);
    const count = Math.max(0, Math.min(limit, head.newestSequence - first + 1));
    const listed = count === 0 ? [] : events.slice(first, count).map(toStoredEvent);
    const page = {
      thread,
      events: listed,
      runs: runsOf(listed, head, runs),
      reset,
      next: { epoch: head.epoch, sequence: count === 0 ? from : first + count - 1 },
      head,
    };
    if (count > 0 && count <= MAX_KEPT_PAGE_EVENTS && !reset) this.#keepPage(found, { from, limit, page });
    return page;
  }

  async readHead(thread: EventThread): Promise<ThreadHead | undefined> {
    return this.#records.get(threadKey(thread))?.head;
  }

  async waitForChange(thread: EventThread, seen: ThreadHead | undefined, signal: AbortSignal): Promise<boolean> {
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
    for (const run of record.runs.values()) this.#forgetRun(record, run);
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
    decide: (state: ThreadSnapshot) => Decision<Result>,
  ): Result {
    const key = threadKey(thread);
    const found = this.#records.get(key);
    const { change, result } = decide({ head: found?.head, run: found?.runs.get(correlationId) });
    if (change !== undefined) this.#apply(key, found ?? createMemoryThread(thread, change.head), change);
    return result;
  }

  #apply(key: string, record: MemoryThread, { head, run, isNewMessage, events }: ThreadChange): void {
    if (run !== undefined) this.#keepRun(record, run, isNewMessage);
    const lengthBefore = record.events.byteLength;
    for (const event of events) record.events.append(event.timestamp + event.fields, tagOf(record, event));
    this.#byteLength += record.events.byteLength - lengthBefore;
    if (events.length > 0) {
      this.#records.delete(key);
      this.#latest = record;
    }
    this.#records.set(key, record);
    record.head = head;
    if (events.length > 0 || isNewMessage) this.#keepBounds(record);
    this.#setHead(record, record.head);
  }

  #keepRun(record: MemoryThread, run: RunRecord, isNew: boolean): void {
    const { runs } = record;
    const before = runs.get(run.correlationId);
    if (before !== undefined) this.#waitingRuns.delete(before);
    if (run.attempts.length === 0) this.#waitingRuns.set(run, record);
    runs.set(run.correlationId, run);
    if (!isNew) return;
    this.#byteLength += Buffer.byteLength(run.requestMessage);
    if (before !== undefined) this.#byteLength -= Buffer.byteLength(before.requestMessage);
  }

  #forgetRun(record: MemoryThread, run: RunRecord): void {
    record.runs.delete(run.correlationId);
    this.#waitingRuns.delete(run);
    this.#byteLength -= Buffer.byteLength(run.requestMessage);
  }

  #keepPage(record: MemoryThread, kept: KeptPage): void {
    this.#pages.delete(record);
    this.#pages.set(record, kept);
    for (const oldest of this.#pages.keys()) {
      if (this.#pages.size <= MAX_KEPT_PAGES) break;
      this.#pages.delete(oldest);
    }
  }

  #setHead(record: MemoryThread, head: ThreadHead): void {
    record.head = head;
    this.#pages.delete(record);
    this.#watchers.announce(record.thread, head);
  }

  #keepBounds(changed: MemoryThread): void {
    const { maxThreads, maxEventsPerThread, maxBytes } = this.#options;
    this.#dropWhile(changed, 'events per thread', () => changed.events.count > maxEventsPerThread);
    for (const [key, record] of this.#records) {
      if (this.#records.size <= maxThreads) break;
      this.#dropWhile(record, 'threads', () => record.events.count > 0);
      for (const run of record.runs.values()) this.#forgetRun(record, run);
      this.#records.delete(key);
      this.#pages.delete(record);
      this.#watchers.announce(record.thread, undefined);
    }
    // Each is kept again when it begins.
    for (const [run, record] of this.#waitingRuns) {
      if (this.#byteLength <= maxBytes) break;
      this.#forgetRun(record, run);
    }
    for (const record of this.#records.values()) {
      if (this.#byteLength <= maxBytes) break;
      const kept = record === this.#latest ? 1 : 0;
      this.#dropWhile(record, 'bytes', () => this.#byteLength > maxBytes && record.events.count > kept);
    }
  }

  #dropWhile(record: MemoryThread, limit: string, isTooMuch: () => boolean): void {
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

  #dropOldestEvent(record: MemoryThread): void {
    const { events, runs, head } = record;
    const { newestAttempt } = head;
    const lengthBefore = events.byteLength;
    const dropped = events.dropOldest();
    this.#byteLength -= lengthBefore - events.byteLength;
    const run = dropped && runs.get(dropped.correlationId);
    const now = { oldestSequence: events.firstSequence, ...(newestAttempt && { newestAttempt }) };
    if (run !== undefined && !isReached(run, now)) this.#forgetRun(record, run);
  }
}
