const MAX_COMMIT_MS = 250;

/**
 * Announces ended runs within this process. The announcement comes before the host saves the state, so a watcher must
 * still read the answer. Runs in other processes are never announced.
 */
export class RunCompletionNotifier {
  readonly #watchers = new Map<string, Set<AbortController>>();
  readonly #running = new Set<string>();
  #commitMs = 0;

  /** Expected time between the end of a run and its commit, in milliseconds. */
  get commitMs(): number {
    return this.#commitMs;
  }

  /**
   * Adapts the expected time, so that most watchers read the answer once: a read that came too early makes the next
   * reads later, others make them slightly earlier.
   *
   * @param afterMs - time from the end of a run to the read that found its answer
   * @param isFirstRead - whether it was the first read
   */
  sawCommit(afterMs: number, isFirstRead: boolean): void {
    this.#commitMs = isFirstRead ? this.#commitMs * 0.95 : Math.min(afterMs, MAX_COMMIT_MS);
  }

  /** Records that a run starts in this process. */
  begin(correlationId: string): void {
    this.#running.add(correlationId);
  }

  /** Records that a run waits for another run of its thread instead of starting. */
  defer(correlationId: string): void {
    this.#running.delete(correlationId);
  }

  /** Returns whether a run is in progress in this process, so that its end will be announced. */
  isRunning(correlationId: string): boolean {
    return this.#running.has(correlationId);
  }

  /** Number of watched runs. */
  get watchedCount(): number {
    return this.#watchers.size;
  }

  announce(correlationId: string): void {
    this.#running.delete(correlationId);
    for (const watcher of this.#watchers.get(correlationId) ?? []) watcher.abort();
  }

  /** Returns a signal that is aborted when the run ends. Call `stop` when it is no longer needed. Further calls do
   * nothing. */
  watch(correlationId: string): { readonly ended: AbortSignal; stop(): void } {
    const watcher = new AbortController();
    const watchers = this.#watchers.get(correlationId) ?? new Set();
    this.#watchers.set(correlationId, watchers.add(watcher));
    return {
      ended: watcher.signal,
      stop: () => {
        // If the run was watched again, it has another set.
        if (watchers.delete(watcher) && watchers.size === 0) this.#watchers.delete(correlationId);
      },
    };
  }
}
