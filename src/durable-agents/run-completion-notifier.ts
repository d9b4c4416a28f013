/**
 * Tells those who wait in this process that a run has ended. The entity announces it before the host has saved the
 * state, so a waiter still has to look for the answer; and a run in another process is never announced here.
 */
export class RunCompletionNotifier {
  readonly #waiting = new Map<string, Set<() => void>>();

  announce(correlationId: string): void {
    for (const wake of this.#waiting.get(correlationId) ?? []) wake();
  }

  /** A signal that is aborted when the run ends. Call `stop` when it is no longer needed. */
  watch(correlationId: string): { readonly ended: AbortSignal; stop(): void } {
    const controller = new AbortController();
    const wake = (): void => controller.abort();
    const waiting = this.#waiting.get(correlationId) ?? new Set();
    this.#waiting.set(correlationId, waiting.add(wake));
    return {
      ended: controller.signal,
      stop: () => {
        waiting.delete(wake);
        if (waiting.size === 0) this.#waiting.delete(correlationId);
      },
    };
  }
}
