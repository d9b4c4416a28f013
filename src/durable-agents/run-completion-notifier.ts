const MAX_COMMIT_MS = 250;

/**
 * Announces within this process that a run has ended. The entity announces it before the host saves the state, so a
 * watcher must still read the answer. Runs in other processes are never announced here.
 */
export class RunCompletionNotifier {
  readonly #watchers = new Map<string, Set<AbortController>>();
  readonly #running = new Set<string>();
  #commitMs = 0;

  /** How long after its end a run is likely to be committed, in milliseconds. */
  get commitMs(): number {
    return this.#commitMs;
  }

  /**
   * Learns when runs are committed, so that most watchers read the answer once: a read that came too early makes the
   * next ones later, others make them a little earlier.
   *
   * @param afterMs time from the end of a run to the read that found its answer
   * @param isFirstRead whether no earlier read was made
   */
  sawCommit(afterMs: number, isFirstRead: boolean): void {
    this.#commitMs = isFirstRead ? this.#commitMs * 0.95 : Math.min(afterMs, MAX_COMMIT_MS);
  }

  /** Notes that a run begins in this process. */
  begin(correlationId: string): void {
    this.#running.add(correlationId);
  }

  /** Notes that a run which was about to begin waits for another run of its thread. */
  defer(correlationId: string): void {
    this.#running.delete(correlationId);
  }

  /** Whether a run is under way in this process, so that its end is going to be announced. */
  isRunning(correlationId: string): boolean {
    return this.#running.has(correlationId);
  }

  /** How many runs are watched. */
  get watchedCount(): number {
    return this.#watchers.size;
  }

  announce(correlationId: string): void {
    this.#running.delete(correlationId);
    for (const watcher of this.#watchers.get(correlationId) ?? []) watcher.abort();
  }

  /** A signal that is aborted when the run ends. Call `stop` when it is no longer needed; further calls do nothing. */
  watch(correlationId: string): { readonly ended: AbortSignal; stop(): void } {
    const watcher = new AbortController();
    const watchers = this.#watchers.get(correlationId) ?? new Set();
    this.#watchers.set(correlationId, watchers.add(watcher));
    return {
      ended: watcher.signal,
      stop: () => {
        // The set of a run that was watched again is another one.
        if (watchers.delete(watcher) && watchers.size === 0) this.#watchers.delete(correlationId);
      },
    };
  }
}
