import type { EventThread } from '../domain/event-thread.js';
import type { ThreadHead } from '../domain/thread-head.js';
import { threadKey } from '../domain/event-thread.js';

type Announce = (record: ThreadHead | undefined) => void;

/**
 * Looks for changes that other processes make to a thread, and announces each record that it finds.
 *
 * @returns ends it
 */
export type FollowThread = (thread: EventThread, announce: Announce) => () => void;

interface WatchedThread {
  readonly waiting: Set<Announce>;
  /** What was announced last. */
  latest?: { readonly record: ThreadHead | undefined };
  readonly stop: (() => void) | undefined;
  lingering?: NodeJS.Timeout | undefined;
}

/** A reader that was woken reads, and waits again: its thread stays followed meanwhile. */
const LINGER_MS = 1000;

/** Those who wait for a thread to change. Other processes are asked for changes only while somebody waits. */
export class ThreadWatchers {
  readonly #follow: FollowThread | undefined;
  readonly #watched = new Map<string, WatchedThread>();

  /** @param follow absent: all changes are announced by {@link ThreadWatchers.announce} */
  constructor(follow?: FollowThread) {
    this.#follow = follow;
  }

  /** @returns true when the thread's record is a later one than `seen`; false when `signal` was aborted first */
  wait(thread: EventThread, seen: ThreadHead | undefined, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve(false);
      const key = threadKey(thread);
      const watched = this.#watched.get(key) ?? this.#watch(key, thread);
      if (watched.latest !== undefined && isLater(watched.latest.record, seen)) return resolve(true);
      const settle = (changed: boolean): void => {
        signal.removeEventListener('abort', onAbort);
        watched.waiting.delete(onRecord);
        if (watched.waiting.size === 0) this.#linger(key, watched);
        resolve(changed);
      };
      const onRecord: Announce = (record) => {
        if (record?.epoch !== seen?.epoch || record?.version !== seen?.version) settle(true);
      };
      const onAbort = (): void => settle(false);
      watched.waiting.add(onRecord);
      signal.addEventListener('abort', onAbort);
    });
  }

  /** Tells those who wait what a thread's record is now; `undefined` when it is gone. */
  announce(thread: EventThread, record: ThreadHead | undefined): void {
    const watched = this.#watched.get(threadKey(thread));
    if (watched === undefined) return;
    watched.latest = { record };
    for (const onRecord of watched.waiting) onRecord(record);
  }

  /** Nobody is followed any more; who waits goes on waiting for their signal. */
  close(): void {
    for (const [key, watched] of this.#watched) this.#unwatch(key, watched);
  }

  #watch(key: string, thread: EventThread): WatchedThread {
    const stop = this.#follow?.(thread, (record) => this.announce(thread, record));
    const watched: WatchedThread = { waiting: new Set(), stop };
    this.#watched.set(key, watched);
    return watched;
  }

  #linger(key: string, watched: WatchedThread): void {
    // It was closed already, and others may wait in its place.
    if (this.#watched.get(key) !== watched) return;
    if (this.#follow === undefined) return this.#unwatch(key, watched);
    watched.lingering ??= setTimeout(() => {
      watched.lingering = undefined;
      if (watched.waiting.size === 0) this.#unwatch(key, watched);
    }, LINGER_MS).unref();
  }

  #unwatch(key: string, watched: WatchedThread): void {
    clearTimeout(watched.lingering);
    watched.stop?.();
    this.#watched.delete(key);
  }
}

/** Not so for another epoch, of which nobody can tell whether it is a later or an earlier one. */
function isLater(record: ThreadHead | undefined, seen: ThreadHead | undefined): boolean {
  if (record === undefined) return false;
  return seen === undefined || (record.epoch === seen.epoch && record.version > seen.version);
}
