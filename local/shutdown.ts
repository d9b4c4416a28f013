/** Ends what was started, the last started first. */
export class Shutdown {
  readonly #closers: (() => Promise<void>)[] = [];
  #closing: Promise<void> | undefined;

  /** Remembers how to end something. What is added after the end has begun is ended at once. */
  async add(close: () => Promise<void>): Promise<void> {
    if (this.#closing === undefined) this.#closers.push(close);
    else await close();
  }

  /**
   * Ends everything, once, however often it is called.
   *
   * @throws AggregateError after all were tried, when some could not be ended.
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
    if (failures.length > 0) throw new AggregateError(failures, 'Not everything could be ended');
  }
}
