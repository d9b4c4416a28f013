import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EventThread } from '../../src/audit/domain/event-thread.js';
import type { DurableStoreAdapter, StoredHead } from '../../src/audit/store/durable/durable-store-adapter.js';
import type { StoredEvent } from '../../src/audit/domain/stored-event.js';
import { pollThread } from '../../src/audit/store/durable/poll-thread.js';
import type { ThreadChange } from '../../src/audit/domain/thread-changes.js';
import type { RunRecord } from '../../src/audit/domain/run-record.js';
import type { ThreadHead } from '../../src/audit/domain/thread-head.js';
import { threadKey } from '../../src/audit/domain/event-thread.js';
import { sizeOf, type ThreadList, toThreadList } from '../../src/audit/store/durable/thread-list.js';

interface StoredThread {
  readonly thread: EventThread;
  stored: StoredHead;
  /** By epoch and correlation id. */
  readonly runs: Map<string, RunRecord>;
  readonly events: Map<number, StoredEvent>;
}

export type StorageRead = 'head' | 'runs' | 'events';

/** What a test can do while the storage is at work. Throwing makes the call fail; a promise holds it up. */
export interface StorageHooks {
  /** Before a request reaches the service. */
  beforeRead?: ((what: StorageRead, thread: EventThread) => void | Promise<void>) | undefined;
  beforeCommit?: ((thread: EventThread, change: ThreadChange) => void | Promise<void>) | undefined;
  /** When a commit has taken effect, and its answer is on the way. */
  afterCommit?: ((thread: EventThread, change: ThreadChange) => void | Promise<void>) | undefined;
}

const MAX_PAGE = 1000;

/**
 * A durable service in memory: changes are compared and set by tag, everything else takes its time. Several stores may
 * share one.
 */
export class MemoryStoreAdapter implements DurableStoreAdapter {
  readonly follow = pollThread(this);
  readonly hooks: StorageHooks = {};
  readonly #threads = new Map<string, StoredThread>();
  #lastTag = 0;
  readonly reads: Record<StorageRead, number> = { head: 0, runs: 0, events: 0 };
  commitCount = 0;
  conflictCount = 0;
  closeCount = 0;

  /** How many events the service holds, also those that nobody reaches. */
  get eventCount(): number {
    return [...this.#threads.values()].reduce((count, { events }) => count + events.size, 0);
  }

  /** How many runs the service holds, also those that nobody reaches. */
  get runCount(): number {
    return [...this.#threads.values()].reduce((count, { runs }) => count + runs.size, 0);
  }

  async readHead(thread: EventThread): Promise<StoredHead | undefined> {
    await this.#arrive('head', thread);
    return this.#find(thread)?.stored;
  }

  async readRuns(thread: EventThread, epoch: string, correlationIds: readonly string[]): Promise<RunRecord[]> {
    await this.#arrive('runs', thread);
    const runs = this.#find(thread)?.runs;
    return correlationIds.flatMap((id) => runs?.get(runKey(epoch, id)) ?? []);
  }

  async readEvents(thread: EventThread, first: number, limit: number): Promise<StoredEvent[]> {
    await this.#arrive('events', thread);
    const events = [...(this.#find(thread)?.events.values() ?? [])];
    return events.filter(({ sequence }) => sequence >= first).slice(0, Math.min(limit, MAX_PAGE));
  }

  async commit(thread: EventThread, tag: string | undefined, change: ThreadChange): Promise<string | undefined> {
    await nextTurn();
    await this.hooks.beforeCommit?.(thread, change);
    const found = this.#find(thread);
    if (found?.stored.tag !== tag) {
      this.conflictCount += 1;
      return undefined;
    }
    const { head, run, isNewMessage, events } = change;
    this.#lastTag += 1;
    this.commitCount += 1;
    const stored = { head, tag: String(this.#lastTag) };
    const kept = found ?? { thread, stored, runs: new Map(), events: new Map() };
    this.#threads.set(threadKey(thread), kept);
    kept.stored = stored;
    if (run !== undefined) {
      const key = runKey(head.epoch, run.correlationId);
      if (!isNewMessage && !kept.runs.has(key)) throw new Error(`The message of run ${key} is missing.`);
      kept.runs.set(key, run);
    }
    for (const event of events) {
      if (kept.events.has(event.sequence)) throw new Error(`There is an event ${event.sequence} already.`);
      kept.events.set(event.sequence, event);
    }
    await this.hooks.afterCommit?.(thread, change);
    await nextTurn();
    return stored.tag;
  }

  async removeUnreachable(thread: EventThread, head: ThreadHead): Promise<void> {
    await nextTurn();
    const found = this.#find(thread);
    this.expireEvents(thread, head.oldestSequence);
    for (const key of found?.runs.keys() ?? []) {
      if ((key.split('|')[0] ?? '') < head.epoch) found?.runs.delete(key);
    }
  }

  async forgetThread(thread: EventThread): Promise<void> {
    await nextTurn();
    this.expireThread(thread);
  }

  async listThreads(agentName: string): Promise<ThreadList> {
    await nextTurn();
    const own = [...this.#threads.values()].filter(({ thread }) => thread.agentName === agentName);
    return toThreadList(
      agentName,
      own.map(({ thread: { threadId }, stored: { head } }) => ({ threadId, read: () => sizeOf(head) })),
    );
  }

  async ping(): Promise<void> {
    await nextTurn();
  }

  async close(): Promise<void> {
    this.closeCount += 1;
  }

  /** Lets go what is too old, as services do that have been told how long to keep it: the events before a sequence. */
  expireEvents(thread: EventThread, firstKept: number): void {
    const events = this.#find(thread)?.events;
    for (const sequence of events?.keys() ?? []) if (sequence < firstKept) events?.delete(sequence);
  }

  expireRuns(thread: EventThread): void {
    this.#find(thread)?.runs.clear();
  }

  expireThread(thread: EventThread): void {
    this.#threads.delete(threadKey(thread));
  }

  #find(thread: EventThread): StoredThread | undefined {
    return this.#threads.get(threadKey(thread));
  }

  async #arrive(what: StorageRead, thread: EventThread): Promise<void> {
    this.reads[what] += 1;
    await nextTurn();
    await this.hooks.beforeRead?.(what, thread);
  }
}

function runKey(epoch: string, correlationId: string): string {
  return `${epoch}|${correlationId}`;
}
