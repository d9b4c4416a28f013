/** Stops resources in reverse order of their start. */
export class Shutdown {
  readonly #closers: (() => Promise<void>)[] = [];
  #closing: Promise<void> | undefined;

  /** Registers how to stop something. Stops it immediately if the shutdown has already started. */
  async add(close: () => Promise<void>): Promise<void> {
    if (this.#closing === undefined) this.#closers.push(close);
    else await close();
  }

  /**
   * Stops everything. Further calls return the same promise.
   *
   * @throws AggregateError if some could not be stopped, after trying all
   */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    const failures: unknown[] = [];
    for (const close of this.#closers.toReversed()) {
      try {
        await close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'Some programs could not be stopped');
  }
}
