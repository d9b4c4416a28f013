import type { AppendResult } from '../../domain/thread-changes.js';
import {
  type CallbackEventPage,
  type CallbackEventStore,
  type ListOptions,
  checkAppendSize,
} from '../callback-event-store.js';
import type { EventThread } from '../../domain/event-thread.js';
import type { OpenAttempt, RunDescription, RecordedRun } from '../../domain/recorded-run.js';
import type { ThreadHead } from '../../domain/thread-head.js';
import { isLost, START } from '../../domain/event-cursor.js';
import type { NewEvent } from '../../domain/stored-event.js';
import { type MemoryThread, runsOf, toStoredEvent } from './memory-thread.js';
import {
  appendEvents,
  beginAttempt,
  clearThread,
  type Decision,
  type ThreadSnapshot,
} from '../../domain/thread-changes.js';
import { type MemoryBounds, MemoryThreads } from './memory-threads.js';
import { ThreadWatchers } from '../thread-watchers.js';

const MAX_KEPT_PAGES = 100;
const MAX_KEPT_PAGE_EVENTS = 20;

/** A page that is cached for other readers at the same position. */
interface KeptPage {
  readonly from: number;
  readonly limit: number;
  readonly page: CallbackEventPage;
}

/** Stores events in the memory of this process. Other processes do not see them. */
export class MemoryEventStore implements CallbackEventStore {
  readonly kind = 'memory';
  readonly #threads: MemoryThreads;
  /** The latest page of each thread that has not changed since. */
  readonly #pages = new Map<MemoryThread, KeptPage>();
  readonly #watchers = new ThreadWatchers();

  constructor(bounds: MemoryBounds) {
    this.#threads = new MemoryThreads(bounds, (changed, head) => {
      this.#pages.delete(changed);
      this.#watchers.announce(changed.thread, head);
    });
  }

  /** Size of all events and request messages in bytes. */
  get byteLength(): number {
    return this.#threads.byteLength;
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

  async readRun(thread: EventThread, correlationId: string): Promise<RecordedRun | undefined> {
    return this.#threads.get(thread)?.runs.get(correlationId);
  }

  async list(thread: EventThread, options: ListOptions = {}): Promise<CallbackEventPage> {
    const { after = START, limit = Infinity } = options;
    const found = this.#threads.get(thread);
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
    return this.#threads.get(thread)?.head;
  }

  async waitForChange(thread: EventThread, seen: ThreadHead | undefined, signal: AbortSignal): Promise<boolean> {
    const head = this.#threads.get(thread)?.head;
    if (!signal.aborted && (head?.epoch !== seen?.epoch || head?.version !== seen?.version)) return true;
    return this.#watchers.wait(thread, seen, signal);
  }

  async clear(thread: EventThread): Promise<void> {
    const found = this.#threads.get(thread);
    const { change } = clearThread(found?.head);
    if (found !== undefined && change !== undefined) this.#threads.clear(found, change.head);
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
    const found = this.#threads.get(thread);
    const { change, result } = decide({ head: found?.head, run: found?.runs.get(correlationId) });
    if (change !== undefined) this.#threads.apply(thread, change);
    return result;
  }

  #keepPage(of: MemoryThread, kept: KeptPage): void {
    this.#pages.delete(of);
    this.#pages.set(of, kept);
    for (const oldest of this.#pages.keys()) {
      if (this.#pages.size <= MAX_KEPT_PAGES) break;
      this.#pages.delete(oldest);
    }
  }
}
