import type { EventThread } from '../../domain/event-thread.js';
import type { StoredEvent } from '../../domain/stored-event.js';
import type { ThreadChange } from '../../domain/thread-changes.js';
import type { RunRecord } from '../../domain/run-record.js';
import type { ThreadHead } from '../../domain/thread-head.js';
import type { ThreadList } from './thread-list.js';
import type { FollowThread } from '../thread-watchers.js';

/** The head of a thread, and which version of it the service has. */
export interface StoredHead {
  readonly head: ThreadHead;
  /** Another one after each change, as an ETag; opaque. */
  readonly tag: string;
}

/**
 * What a durable service has to offer to keep the records of threads. Methods reject with whatever the service's SDK
 * rejects with, or a `ZodError` when what is kept cannot be read; a call that rejects may have taken effect.
 */
export interface DurableStoreAdapter {
  /** How changes by other processes are found. */
  readonly follow: FollowThread;

  /** `undefined` for a thread that is unknown. */
  readHead(thread: EventThread): Promise<StoredHead | undefined>;

  /** Those runs that are known in an epoch of a thread, in any order. */
  readRuns(thread: EventThread, epoch: string, correlationIds: readonly string[]): Promise<RunRecord[]>;

  /**
   * Events with a sequence of `first` or more, in order. May return fewer than `limit`, so that an answer of the service
   * stays small, but none only if there are none.
   *
   * @param limit 1 to 1,000
   */
  readEvents(thread: EventThread, first: number, limit: number): Promise<StoredEvent[]>;

  /**
   * Applies a change at once and whole, if the head is still the one with `tag`; `undefined`: if there is none.
   *
   * @returns the new tag; `undefined` when the head is another one: somebody else was faster, and nothing has changed, or
   *   this very change took effect and its answer was lost. Whoever decides anew by what is kept need not tell them apart
   */
  commit(thread: EventThread, tag: string | undefined, change: ThreadChange): Promise<string | undefined>;

  /** Frees what a head no longer reaches: events before its `oldestSequence`, runs of earlier epochs. */
  removeUnreachable(thread: EventThread, head: ThreadHead): Promise<void>;

  /** Removes all that is kept of a thread, without a look at what it is: it is unknown then, and begins anew. */
  forgetThread(thread: EventThread): Promise<void>;

  /** See {@link CallbackEventStore.listThreads}. */
  listThreads(agentName: string): Promise<ThreadList>;

  /** Asks the service for a sign of life. */
  ping(): Promise<void>;

  close(): Promise<void>;
}
