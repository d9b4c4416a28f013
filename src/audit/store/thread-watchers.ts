import type { EventThread } from '../domain/event-thread.js';
import type { ThreadHead } from '../domain/thread-head.js';
import { threadKey } from '../domain/event-thread.js';

type Announce = (head: ThreadHead | undefined) => void;

/**
 * Follows changes that other processes make to a thread, and announces each head that it reads, changed or not.
 *
 * @returns a function that stops following
 */
export type FollowThread = (thread: EventThread, announce: Announce) => () => void;

interface WatchedThread {
  readonly waiting: Set<Announce>;
  /** The last announced head. Undefined before the first. */
  latest?: { readonly head: ThreadHead | undefined };
  readonly stop: (() => void) | undefined;
  lingering?: NodeJS.Timeout | undefined;
}

/** How long to keep following a thread without readers, because a woken reader usually waits again. */
const LINGER_MS = 1000;

/** Wakes readers that wait for a thread to change. Follows other processes only while a reader waits. */
export class ThreadWatchers {
  readonly #follow: FollowThread | undefined;
  readonly #watched = new Map<string, WatchedThread>();

  /** @param follow - undefined: {@link ThreadWatchers.announce} reports all changes */
  constructor(follow?: FollowThread) {
    this.#follow = follow;
  }

  /** @returns true if the thread's head differs from `seen`; false if `signal` was aborted first */
  wait(thread: EventThread, seen: ThreadHead | undefined, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve(false);
      const key = threadKey(thread);
      const watched = this.#watched.get(key) ?? this.#watch(key, thread);
      if (watched.latest !== undefined && isLater(watched.latest.head, seen)) return resolve(true);
      const settle = (changed: boolean): void => {
        signal.removeEventListener('abort', onAbort);
        watched.waiting.delete(onHead);
        if (watched.waiting.size === 0) this.#linger(key, watched);
        resolve(changed);
      };
      const onHead: Announce = (head) => {
        if (head?.epoch !== seen?.epoch || head?.version !== seen?.version) settle(true);
      };
      const onAbort = (): void => settle(false);
      watched.waiting.add(onHead);
      signal.addEventListener('abort', onAbort);
    });
  }

  /** Reports the head of a thread; undefined if the thread is gone. */
  announce(thread: EventThread, head: ThreadHead | undefined): void {
    const watched = this.#watched.get(threadKey(thread));
    if (watched === undefined) return;
    watched.latest = { head };
    for (const onHead of watched.waiting) onHead(head);
  }

  /** Stops following. Readers that wait continue to wait for their signal. */
  close(): void {
    for (const [key, watched] of this.#watched) this.#unwatch(key, watched);
  }

  #watch(key: string, thread: EventThread): WatchedThread {
    const stop = this.#follow?.(thread, (head) => this.announce(thread, head));
    const watched: WatchedThread = { waiting: new Set(), stop };
    this.#watched.set(key, watched);
    return watched;
  }

  #linger(key: string, watched: WatchedThread): void {
    // It was closed, and another may have replaced it.
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

/** Returns false for another epoch, because that may be an earlier one. */
function isLater(head: ThreadHead | undefined, seen: ThreadHead | undefined): boolean {
  if (head === undefined) return false;
  return seen === undefined || (head.epoch === seen.epoch && head.version > seen.version);
}
