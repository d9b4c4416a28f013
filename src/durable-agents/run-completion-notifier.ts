/**
 * Announces within this process that a run has ended. The entity announces it before the host saves the state, so a
 * watcher must still read the answer. Runs in other processes are never announced here.
 */
export class RunCompletionNotifier {
  readonly #watchers = new Map<string, Set<AbortController>>();

  /** How many runs are watched. */
  get watchedCount(): number {
    return this.#watchers.size;
  }

  announce(correlationId: string): void {
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
