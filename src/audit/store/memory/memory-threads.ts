import type { Logger } from '../../../functions/logger.js';
import { type EventThread, threadKey } from '../../domain/event-thread.js';
import type { RecordedRun } from '../../domain/recorded-run.js';
import { dropOldest, isReached, type ThreadChange } from '../../domain/thread-changes.js';
import type { ThreadHead } from '../../domain/thread-head.js';
import { createMemoryThread, type MemoryThread, tagOf } from './memory-thread.js';
import { RecencyList } from './recency-list.js';

export interface MemoryBounds {
  /** Above this number, the thread without a new event for the longest time is dropped whole. */
  readonly maxThreads: number;
  /** Above this number, a thread's oldest events are dropped. */
  readonly maxEventsPerThread: number;
  /**
   * Bytes of all events and of each run's request message. Above it, the oldest events go, from the thread without a new
   * event for the longest time. The newest event of all is always kept, and a thread without events continues its sequence.
   */
  readonly maxBytes: number;
  /** Receives one warning for each thread that loses events to these bounds. */
  readonly log: Logger;
}

/** The threads in memory, within their bounds. A change takes the same time with any number of threads. */
export class MemoryThreads {
  readonly #bounds: MemoryBounds;
  readonly #onChange: (thread: MemoryThread, head: ThreadHead | undefined) => void;
  readonly #threads = new Map<string, MemoryThread>();
  /** All threads, by their latest event; one that has had none, by when it began. */
  readonly #recent = new RecencyList<MemoryThread>();
  /** Threads that hold events, by their latest event. */
  readonly #filled = new RecencyList<MemoryThread>();
  #byteLength = 0;

  /** @param onChange called with each new head; with `undefined` when a thread is dropped whole */
  constructor(bounds: MemoryBounds, onChange: (thread: MemoryThread, head: ThreadHead | undefined) => void) {
    this.#bounds = bounds;
    this.#onChange = onChange;
  }

  /** Bytes of all events and request messages. */
  get byteLength(): number {
    return this.#byteLength;
  }

  get(thread: EventThread): MemoryThread | undefined {
    return this.#threads.get(threadKey(thread));
  }

  /** Applies a change to a thread, which begins with it if it is unknown. */
  apply(thread: EventThread, { head, run, isNewMessage, events }: ThreadChange): void {
    const changed = this.get(thread) ?? this.#create(thread, head);
    if (run !== undefined) this.#keepRun(changed, run, isNewMessage);
    const lengthBefore = changed.events.byteLength;
    for (const event of events) changed.events.append(event.timestamp + event.fields, tagOf(changed, event));
    this.#byteLength += changed.events.byteLength - lengthBefore;
    if (events.length > 0) {
      this.#recent.touch(changed);
      this.#filled.touch(changed);
    }
    changed.head = head;
    if (events.length > 0 || isNewMessage) this.#keepBounds(changed);
    this.#setHead(changed, changed.head);
  }

  /** Removes a thread's events and runs. */
  clear(cleared: MemoryThread, head: ThreadHead): void {
    this.#byteLength -= cleared.events.byteLength;
    cleared.events.clear();
    this.#filled.delete(cleared);
    for (const run of cleared.runs.values()) this.#forgetRun(cleared, run);
    this.#setHead(cleared, head);
  }

  #create(thread: EventThread, head: ThreadHead): MemoryThread {
    const created = createMemoryThread(thread, head);
    this.#threads.set(threadKey(thread), created);
    this.#recent.touch(created);
    return created;
  }

  #setHead(changed: MemoryThread, head: ThreadHead): void {
    changed.head = head;
    this.#onChange(changed, head);
  }

  #keepRun(of: MemoryThread, run: RecordedRun, isNew: boolean): void {
    const { runs } = of;
    const before = runs.get(run.correlationId);
    runs.set(run.correlationId, run);
    if (!isNew) return;
    this.#byteLength += Buffer.byteLength(run.requestMessage);
    if (before !== undefined) this.#byteLength -= Buffer.byteLength(before.requestMessage);
  }

  #forgetRun(of: MemoryThread, run: RecordedRun): void {
    of.runs.delete(run.correlationId);
    this.#byteLength -= Buffer.byteLength(run.requestMessage);
  }

  #keepBounds(changed: MemoryThread): void {
    const { maxThreads, maxEventsPerThread, maxBytes } = this.#bounds;
    this.#dropWhile(changed, 'events per thread', () => changed.events.count > maxEventsPerThread);
    for (let oldest = this.#recent.oldest; oldest !== undefined; oldest = this.#recent.oldest) {
      if (this.#threads.size <= maxThreads) break;
      this.#dropThread(oldest);
    }
    for (let oldest = this.#filled.oldest; oldest !== undefined; oldest = this.#filled.oldest) {
      const { events } = oldest;
      const minCount = oldest === this.#filled.newest ? 1 : 0;
      if (this.#byteLength <= maxBytes || events.count === minCount) break;
      this.#dropWhile(oldest, 'bytes', () => this.#byteLength > maxBytes && events.count > minCount);
    }
  }

  #dropThread(of: MemoryThread): void {
    this.#dropWhile(of, 'threads', () => of.events.count > 0);
    for (const run of of.runs.values()) this.#forgetRun(of, run);
    this.#threads.delete(threadKey(of.thread));
    this.#recent.delete(of);
    this.#onChange(of, undefined);
  }

  #dropWhile(of: MemoryThread, limit: string, isTooMuch: () => boolean): void {
    if (!isTooMuch()) return;
    do this.#dropOldestEvent(of);
    while (isTooMuch());
    this.#setHead(of, dropOldest(of.head, of.events.firstSequence).head);
    if (of.hasDropped) return;
    of.hasDropped = true;
    const { agentName, threadId } = of.thread;
    this.#bounds.log.warn(
      `[${agentName}] the event store is full (${limit}): the oldest events of thread ${threadId} are being dropped`,
    );
  }

  #dropOldestEvent(of: MemoryThread): void {
    const { events, runs, head } = of;
    const { newestAttempt } = head;
    const lengthBefore = events.byteLength;
    const dropped = events.dropOldest();
    this.#byteLength -= lengthBefore - events.byteLength;
    if (events.count === 0) this.#filled.delete(of);
    const run = dropped && runs.get(dropped.correlationId);
    const now = { oldestSequence: events.firstSequence, ...(newestAttempt && { newestAttempt }) };
    if (run !== undefined && !isReached(run, now)) this.#forgetRun(of, run);
  }
}
