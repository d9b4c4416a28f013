import { ZodError } from 'zod';
import { withTimeout } from '../../../functions/time-limits.js';
import { errorText } from '../../../functions/error-text.js';
import { type Logger } from '../../../functions/logger.js';
import type { AppendResult } from '../../domain/thread-changes.js';
import {
  type CallbackEventPage,
  type CallbackEventStore,
  type EventStoreKind,
  type EventThreadSummary,
  type ListOptions,
  checkAppendSize,
} from '../callback-event-store.js';
import type { EventThread } from '../../domain/event-thread.js';
import type { OpenAttempt, RunDescription, RunRecord } from '../../domain/run-record.js';
import type { ThreadHead } from '../../domain/thread-head.js';
import { START } from '../../domain/event-cursor.js';
import type { DurableStoreAdapter } from './durable-store-adapter.js';
import type { NewEvent } from '../../domain/stored-event.js';
import { acceptRun, appendEvents, beginAttempt, clearRecord, dropOldest } from '../../domain/thread-changes.js';
import { firstEventSince, readPage } from './read-page.js';
import { ThreadWriter } from './thread-writer.js';
import { ReconnectingAdapter } from './reconnecting-adapter.js';
import { threadKey } from '../../domain/event-thread.js';
import { ThreadWatchers } from '../thread-watchers.js';
import { CLEAR_REMOVAL_WAIT_MS, EXPIRY_INTERVAL_MS, MS_PER_DAY } from './store-timeouts.js';

const MAX_REMEMBERED_DROPS = 10_000;

export interface DurableEventStoreOptions {
  /** Told of what could not be removed, and of threads that cannot be listed. Default: nobody. */
  readonly log?: Logger;
  /** With a run, its thread's events that are older are dropped. Absent: that is not this store's business. */
  readonly dropAfterDays?: number | undefined;
}

/** What dropping a thread's old events has done. */
export interface DroppedEvents {
  readonly droppedCount: number;
  /** Time of the oldest event that is left; `undefined` if there is none. */
  readonly oldestAt?: string;
}

/**
 * Keeps events in a service that several processes share, and that outlives them. Each change is one conditional write,
 * under the condition that the thread's head is still the one that was read.
 */
export class DurableEventStore implements CallbackEventStore {
  readonly kind: EventStoreKind;
  readonly #storage: ReconnectingAdapter;
  readonly #dropAfterDays: number | undefined;
  readonly #log: Logger | undefined;
  /** When the old events of a thread were dropped last. */
  readonly #dropped = new Map<string, number>();
  readonly #watchers: ThreadWatchers;
  readonly #writer: ThreadWriter;
  readonly #reads = new Map<string, Promise<CallbackEventPage>>();

  /** @param open connects to the service; called with the first request, and again with the next one if it failed */
  constructor(
    kind: EventStoreKind,
    open: () => Promise<DurableStoreAdapter>,
    { dropAfterDays, log }: DurableEventStoreOptions = {},
  ) {
    this.kind = kind;
    this.#log = log;
    this.#storage = new ReconnectingAdapter(open);
    this.#dropAfterDays = dropAfterDays;
    this.#watchers = new ThreadWatchers(this.#storage.follow);
    this.#writer = new ThreadWriter(this.#storage, (thread, record) => this.#watchers.announce(thread, record));
  }

  acceptRun(thread: EventThread, run: RunDescription): Promise<RunRecord> {
    return this.#writer.change(thread, run.correlationId, (state) => acceptRun(state, run));
  }

  async beginAttempt(
    thread: EventThread,
    run: RunDescription,
    token: string,
    startedAt: string,
    startedMs = performance.now(),
  ): Promise<OpenAttempt> {
    const attempt = await this.#writer.change(
      thread,
      run.correlationId,
      (state) => beginAttempt(state, run, token, startedAt, performance.now() - startedMs),
      'keep',
    );
    this.#dropOldEvents(thread);
    return { thread, run, attempt, token, startedAt };
  }

  async append(attempt: OpenAttempt, firstIndex: number, events: readonly NewEvent[]): Promise<AppendResult> {
    checkAppendSize(events);
    const isLast = events.at(-1)?.eventType !== 'stream';
    return this.#writer.change(
      attempt.thread,
      attempt.run.correlationId,
      (state) => appendEvents(state, attempt, firstIndex, events),
      isLast ? 'forget' : 'keep',
    );
  }

  async readRun(thread: EventThread, correlationId: string): Promise<RunRecord | undefined> {
    const stored = await this.#storage.readHead(thread);
    if (stored === undefined) return undefined;
    const [run] = await this.#storage.readRuns(thread, stored.head.epoch, [correlationId]);
    return run;
  }

  list(thread: EventThread, { after = START, limit = Infinity }: ListOptions = {}): Promise<CallbackEventPage> {
    // Readers who were woken by one change, and stand at the same place, share a read; it begins when all have asked.
    const key = `${threadKey(thread)}|${after.epoch}|${after.sequence}|${limit}`;
    const shared = this.#reads.get(key);
    if (shared !== undefined) return shared;
    const read = new Promise(setImmediate).then(() => {
      this.#reads.delete(key);
      return readPage(this.#storage, thread, { after, limit });
    });
    this.#reads.set(key, read);
    return read;
  }

  async readHead(thread: EventThread): Promise<ThreadHead | undefined> {
    return (await this.#storage.readHead(thread))?.head;
  }

  waitForChange(thread: EventThread, seen: ThreadHead | undefined, signal: AbortSignal): Promise<boolean> {
    return this.#watchers.wait(thread, seen, signal);
  }

  async clear(thread: EventThread): Promise<void> {
    try {
      await this.#writer.change(thread, undefined, ({ head }) => clearRecord(head));
    } catch (error) {
      if (!(error instanceof ZodError)) throw error;
      // Nobody can go on with a head that cannot be read.
      await this.#storage.forgetThread(thread);
      return;
    }
    // Nobody sees the events any more. To remove those of a long thread takes longer than anybody should wait; what
    // is left of them if that fails goes with the next clear.
    const logged = this.#removeUnreachable(thread).catch((error: unknown) =>
      this.#log?.warn(describeLeftovers(thread, error)),
    );
    await withTimeout(CLEAR_REMOVAL_WAIT_MS, () => logged).catch(() => undefined);
  }

  /** Drops a thread's events from before `cutoff` (ISO 8601 in UTC), from the oldest end. */
  async dropEventsBefore(thread: EventThread, cutoff: string): Promise<DroppedEvents> {
    const stored = await this.#storage.readHead(thread);
    if (stored === undefined) return { droppedCount: 0 };
    const { epoch, oldestSequence, newestSequence } = stored.head;
    const oldest = await firstEventSince(this.#storage, thread, stored.head, cutoff);
    const kept = oldest === undefined ? {} : { oldestAt: oldest.timestamp };
    const from = oldest?.sequence ?? newestSequence + 1;
    const head = await this.#writer.change(thread, undefined, (state) => {
      const isSame = state.head?.epoch === epoch;
      if (!isSame || state.head.oldestSequence >= from) return { result: undefined };
      return { result: state.head, change: dropOldest(state.head, from) };
    });
    if (head === undefined) return { droppedCount: 0, ...kept };
    await this.#storage.removeUnreachable(thread, { ...head, oldestSequence: from });
    return { droppedCount: from - oldestSequence, ...kept };
  }

  async listThreads(agentName: string): Promise<EventThreadSummary[]> {
    const { threads, unreadable } = await this.#storage.listThreads(agentName);
    if (unreadable.length > 0) this.#log?.warn(describeUnreadable(agentName, unreadable));
    return threads;
  }

  ping(): Promise<void> {
    return this.#storage.ping();
  }

  async close(): Promise<void> {
    this.#watchers.close();
    await this.#storage.close();
  }

  /** Beside the run, which need not wait for it; what fails is tried again with a later run. */
  #dropOldEvents(thread: EventThread): void {
    if (this.#dropAfterDays === undefined) return;
    const key = threadKey(thread);
    const now = Date.now();
    if (now - (this.#dropped.get(key) ?? -Infinity) < EXPIRY_INTERVAL_MS) return;
    if (this.#dropped.size >= MAX_REMEMBERED_DROPS) this.#dropped.clear();
    this.#dropped.set(key, now);
    const cutoff = new Date(now - this.#dropAfterDays * MS_PER_DAY).toISOString();
    this.dropEventsBefore(thread, cutoff).catch(() => this.#dropped.delete(key));
  }

  async #removeUnreachable(thread: EventThread): Promise<void> {
    const stored = await this.#storage.readHead(thread);
    if (stored !== undefined) await this.#storage.removeUnreachable(thread, stored.head);
  }
}

function describeLeftovers({ agentName, threadId }: EventThread, error: unknown): string {
  return `[${agentName}] cleared events could not all be removed from the store: ${errorText(error)} (thread ${threadId})`;
}

function describeUnreadable(agentName: string, threadIds: readonly string[]): string {
  return (
    `[${agentName}] ${threadIds.length} threads are not listed, as what is kept of them cannot be read; DELETE their ` +
    `callbacks to be rid of it (thread ${threadIds[0]})`
  );
}
