import { ZodError } from 'zod';
import { errorText } from '../../../functions/error-text.js';
import type { Logger } from '../../../functions/logger.js';
import { withTimeout } from '../../../functions/time-limits.js';
import type { KeyValueStore } from '../../../storage/key-value-store.js';
import { START } from '../../domain/event-cursor.js';
import { type EventThread, threadKey } from '../../domain/event-thread.js';
import type { OpenAttempt, RecordedRun, RunDescription } from '../../domain/recorded-run.js';
import type { NewEvent } from '../../domain/stored-event.js';
import { appendEvents, type AppendResult, beginAttempt, clearThread, dropOldest } from '../../domain/thread-changes.js';
import type { ThreadHead } from '../../domain/thread-head.js';
import {
  type CallbackEventPage,
  type CallbackEventStore,
  checkAppendSize,
  type EventStoreKind,
  type ListOptions,
} from '../callback-event-store.js';
import { ThreadWatchers } from '../thread-watchers.js';
import { firstEventSince, readPage } from './read-page.js';
import { type IndexedThread, RetentionIndex } from './retention-index.js';
import { ThreadRows } from './thread-rows.js';
import { ThreadWriter } from './thread-writer.js';

/** How long a clear waits for the removal of rows. After that, the removal continues in the background. */
const CLEAR_REMOVAL_WAIT_MS = 2000;

export interface DurableEventStoreOptions {
  /** Receives warnings about rows that could not be removed. @default none */
  readonly log?: Logger;
}

/**
 * Stores events in a service that several processes share and that outlives them. Each change of a thread is one
 * commit, guarded by the thread's head.
 */
export class DurableEventStore implements CallbackEventStore {
  readonly kind: EventStoreKind;
  readonly #values: KeyValueStore;
  readonly #rows: ThreadRows;
  readonly #retention: RetentionIndex;
  readonly #watchers: ThreadWatchers;
  readonly #writer: ThreadWriter;
  readonly #log: Logger | undefined;
  readonly #reads = new Map<string, Promise<CallbackEventPage>>();

  /** @param values - the caller closes it */
  constructor(kind: EventStoreKind, values: KeyValueStore, { log }: DurableEventStoreOptions = {}) {
    this.kind = kind;
    this.#values = values;
    this.#log = log;
    this.#rows = new ThreadRows(values);
    this.#retention = new RetentionIndex(values);
    this.#watchers = new ThreadWatchers(this.#rows.follow);
    this.#writer = new ThreadWriter(this.#rows, {
      onNewThread: (thread, run) => this.#retention.add(thread, earliest(run?.acceptedAt)),
      onChange: (thread, head) => this.#watchers.announce(thread, head),
    });
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

  async readRun(thread: EventThread, correlationId: string): Promise<RecordedRun | undefined> {
    const stored = await this.#rows.readHead(thread);
    if (stored === undefined) return undefined;
    const [run] = await this.#rows.readRuns(thread, stored.head.epoch, [correlationId]);
    return run;
  }

  list(thread: EventThread, { after = START, limit = Infinity }: ListOptions = {}): Promise<CallbackEventPage> {
    // Readers at the same position that one change wakes share a read, which starts when all have asked.
    const key = `${threadKey(thread)}|${after.epoch}|${after.sequence}|${limit}`;
    const shared = this.#reads.get(key);
    if (shared !== undefined) return shared;
    const read = new Promise(setImmediate).then(() => {
      this.#reads.delete(key);
      return readPage(this.#rows, thread, { after, limit });
    });
    this.#reads.set(key, read);
    return read;
  }

  async readHead(thread: EventThread): Promise<ThreadHead | undefined> {
    return (await this.#rows.readHead(thread))?.head;
  }

  waitForChange(thread: EventThread, seen: ThreadHead | undefined, signal: AbortSignal): Promise<boolean> {
    return this.#watchers.wait(thread, seen, signal);
  }

  async clear(thread: EventThread): Promise<void> {
    try {
      await this.#writer.change(thread, undefined, ({ head }) => clearThread(head));
    } catch (error) {
      if (!(error instanceof ZodError)) throw error;
      // No process can continue with a head that cannot be read.
      await this.#rows.forget(thread);
      return;
    }
    // Readers no longer see the events. Removing the rows of a long thread takes longer than a caller should wait. If
    // it fails, the next clear removes the rest.
    const logged = this.#rows
      .removeUnreachable(thread)
      .catch((error: unknown) => this.#log?.warn(describeLeftovers(thread, error)));
    await withTimeout(CLEAR_REMOVAL_WAIT_MS, () => logged).catch(() => undefined);
  }

  /** Returns threads of all agents that may have events from before `time` (ISO 8601 in UTC). */
  threadsFromBefore(time: string): AsyncIterable<IndexedThread> {
    return this.#retention.threadsFromBefore(time);
  }

  /**
   * Drops a thread's events from before `cutoff` (ISO 8601 in UTC). If nothing is newer, removes the thread; a later
   * run starts again at 1 with another epoch.
   */
  async dropExpiredEvents(indexed: IndexedThread, cutoff: string): Promise<'nothing' | 'trimmed' | 'removed'> {
    const { thread } = indexed;
    const stored = await this.#rows.readHead(thread);
    if (stored === undefined) {
      await this.#retention.move(indexed, undefined);
      return 'nothing';
    }
    const { epoch, oldestSequence, newestSequence } = stored.head;
    const oldest = await firstEventSince(this.#rows, thread, oldestSequence, cutoff);
    const from = oldest?.sequence ?? newestSequence + 1;
    const head = await this.#writer.change(thread, undefined, (state) => {
      const isSame = state.head?.epoch === epoch;
      if (!isSame || state.head.oldestSequence >= from) return { result: undefined };
      const change = dropOldest(state.head, from);
      return { result: change.head, change };
    });
    if (head !== undefined) await this.#rows.removeUnreachable(thread);
    const keptFrom = oldest?.timestamp ?? (await this.#rows.removeIfUnused(thread, cutoff));
    await this.#retention.move(indexed, keptFrom);
    if (keptFrom === undefined) return 'removed';
    return from > oldestSequence ? 'trimmed' : 'nothing';
  }

  ping(): Promise<void> {
    return this.#values.ping();
  }

  async close(): Promise<void> {
    this.#watchers.close();
  }
}

/**
 * Returns the earlier of now and the request's time: ISO 8601 in UTC. Ignores an invalid time, because clients may send
 * any.
 */
function earliest(acceptedAt: string | undefined): string {
  const now = new Date();
  const accepted = new Date(acceptedAt ?? now);
  return (accepted < now ? accepted : now).toISOString();
}

function describeLeftovers({ agentName, threadId }: EventThread, error: unknown): string {
  return `[${agentName}] cleared events could not all be removed from the store: ${errorText(error)} (thread ${threadId})`;
}
