import type { AppendResult } from '../../src/audit/domain/thread-changes.js';
import type { CallbackEventPage, ListOptions } from '../../src/audit/store/callback-event-store.js';
import type { EventThread } from '../../src/audit/domain/event-thread.js';
import type { OpenAttempt } from '../../src/audit/domain/recorded-run.js';
import { StorageError } from '../../src/storage/storage-error.js';
import type { NewEvent } from '../../src/audit/domain/stored-event.js';
import { MemoryEventStore } from '../../src/audit/store/memory/memory-event-store.js';
import type { RunDescription, RecordedRun } from '../../src/audit/domain/recorded-run.js';
import type { ThreadHead } from '../../src/audit/domain/thread-head.js';
import { createRecordingLog } from './recording-log.js';

export type StoreMethod = 'beginAttempt' | 'append' | 'readRun' | 'readHead' | 'list' | 'clear' | 'ping';

/** Hooks into the calls of a store. Throwing makes the call fail. A promise delays it. */
export interface StoreHooks {
  /** Called before a call has any effect. */
  before?: ((method: StoreMethod, events: readonly NewEvent[]) => unknown) | undefined;
  /** Called after a call has taken effect, before it returns. */
  after?: ((method: StoreMethod) => unknown) | undefined;
}

/** An in-memory store that fails and hangs on demand. */
export class HookedEventStore extends MemoryEventStore {
  readonly hooks: StoreHooks = {};
  /** The calls in order, without those of `append`. */
  readonly calls: StoreMethod[] = [];
  /** The index of the first event of each append, and the number of its events. */
  readonly appends: (readonly [firstIndex: number, count: number])[] = [];

  constructor() {
    super({ maxThreads: 1000, maxEventsPerThread: 100_000, maxBytes: 67_108_864, log: createRecordingLog() });
  }

  override beginAttempt(
    thread: EventThread,
    run: RunDescription,
    token: string,
    startedAt: string,
    startedMs?: number,
  ): Promise<OpenAttempt> {
    return this.#call('beginAttempt', () => super.beginAttempt(thread, run, token, startedAt, startedMs));
  }

  override append(attempt: OpenAttempt, firstIndex: number, events: readonly NewEvent[]): Promise<AppendResult> {
    this.appends.push([firstIndex, events.length]);
    return this.#call('append', () => super.append(attempt, firstIndex, events), events);
  }

  override readRun(thread: EventThread, correlationId: string): Promise<RecordedRun | undefined> {
    return this.#call('readRun', () => super.readRun(thread, correlationId));
  }

  override readHead(thread: EventThread): Promise<ThreadHead | undefined> {
    return this.#call('readHead', () => super.readHead(thread));
  }

  override list(thread: EventThread, options?: ListOptions): Promise<CallbackEventPage> {
    return this.#call('list', () => super.list(thread, options));
  }

  override clear(thread: EventThread): Promise<void> {
    return this.#call('clear', () => super.clear(thread));
  }

  override ping(): Promise<void> {
    return this.#call('ping', () => super.ping());
  }

  async #call<Result>(
    method: StoreMethod,
    work: () => Promise<Result>,
    events: readonly NewEvent[] = [],
  ): Promise<Result> {
    if (method !== 'append') this.calls.push(method);
    await this.hooks.before?.(method, events);
    const result = await work();
    await this.hooks.after?.(method);
    return result;
  }
}

/** A hook that makes the store unreachable. */
export function unreachable(): never {
  throw new StorageError(new Error('connect ECONNREFUSED'));
}
