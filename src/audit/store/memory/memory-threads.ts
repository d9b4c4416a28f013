import type { Logger } from '../../../functions/logger.js';
import { type EventThread, threadKey } from '../../domain/event-thread.js';
import type { RecordedRun } from '../../domain/recorded-run.js';
import { dropOldest, isReached, type ThreadChange } from '../../domain/thread-changes.js';
import type { ThreadHead } from '../../domain/thread-head.js';
import { createMemoryThread, type MemoryThread, tagOf } from './memory-thread.js';
import { RecencyList } from './recency-list.js';

export interface MemoryBounds {
  /** Maximum number of threads. Above it, the least recently active thread is evicted. */
  readonly maxThreads: number;
  /** Maximum number of events per thread. Above it, the oldest are dropped. */
  readonly maxEventsPerThread: number;
  /**
   * Maximum bytes of all events and request messages. Above it, the oldest events of the least recently active thread
   * are dropped. The newest event of all is never dropped, and a thread without events continues its sequence.
   */
  readonly maxBytes: number;
  /** Receives one warning for each thread that loses events to these limits. */
  readonly log: Logger;
}

/** Stores threads within the limits. A change takes the same time with any number of threads. */
export class MemoryThreads {
  readonly #bounds: MemoryBounds;
  readonly #onChange: (thread: MemoryThread, head: ThreadHead | undefined) => void;
  readonly #threads = new Map<string, MemoryThread>();
  /** All threads, by their latest event. A thread without events counts from its start. */
  readonly #recent = new RecencyList<MemoryThread>();
  /** Threads with events, by their latest event. */
  readonly #filled = new RecencyList<MemoryThread>();
  #byteLength = 0;

  /** @param onChange - called with each new head, and with `undefined` when a thread is evicted */
  constructor(bounds: MemoryBounds, onChange: (thread: MemoryThread, head: ThreadHead | undefined) => void) {
    this.#bounds = bounds;
    this.#onChange = onChange;
  }

  /** Size of all events and request messages in bytes. */
  get byteLength(): number {
    return this.#byteLength;
  }

  get(thread: EventThread): MemoryThread | undefined {
    return this.#threads.get(threadKey(thread));
  }

  /** Applies a change to a thread. Creates the thread if it is unknown. */
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
