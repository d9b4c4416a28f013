export interface LatestWritesOptions {
  /** How long a value may wait for later ones of its key to take its place. */
  readonly intervalMs: number;
  /** The longest pause before a write that failed is tried again; the first pause is `intervalMs`. */
  readonly maxRetryMs: number;
}

/** What is to be written for a key. */
interface Pending<Value> {
  value: Value | undefined;
  timer?: NodeJS.Timeout | undefined;
  writing?: Promise<void> | undefined;
  pauseMs: number;
}

/**
 * Writes the latest value of each key: at most once in an interval, and never two of one key at the same time. The last
 * value that was given is written in the end: a write that fails is tried again, or gives way to a later value.
 */
export class LatestWrites<Value> {
  readonly #write: (value: Value) => Promise<void>;
  readonly #options: LatestWritesOptions;
  readonly #pending = new Map<string, Pending<Value>>();

  /** @param write rejects when the value was not written */
  constructor(write: (value: Value) => Promise<void>, options: LatestWritesOptions) {
    this.#write = write;
    this.#options = options;
  }

  /** Whether something is still to be written for a key, or is being written. */
  has(key: string): boolean {
    return this.#pending.has(key);
  }

  /** What is still to be written for a key; `undefined` also while the last value is being written. */
  waiting(key: string): Value | undefined {
    return this.#pending.get(key)?.value;
  }

  /** Writes a value within the interval. */
  soon(key: string, value: Value): void {
    this.#schedule(key, this.#set(key, value));
  }

  /** Writes a value at once. @returns when it was tried; if it failed, it is tried again */
  async now(key: string, value: Value): Promise<void> {
    const pending = this.#set(key, value);
    if (pending.writing !== undefined) await pending.writing;
    await this.#flush(key, pending);
  }

  /** Drops what is to be written for a key; nothing is being written when it returns. */
  async cancel(key: string): Promise<void> {
    const pending = this.#pending.get(key);
    if (pending === undefined) return;
    this.#pending.delete(key);
    pending.value = undefined;
    await pending.writing;
    // A write that failed meanwhile wants to be tried again.
    pending.value = undefined;
    clearTimeout(pending.timer);
  }

  /** Tries once more to write what is still to be written, and gives up what fails. */
  async close(): Promise<void> {
    const all = [...this.#pending];
    await Promise.all(
      all.map(async ([key, pending]) => {
        await pending.writing;
        await this.#flush(key, pending);
        clearTimeout(pending.timer);
      }),
    );
    this.#pending.clear();
  }

  #set(key: string, value: Value): Pending<Value> {
    const pending = this.#pending.get(key) ?? { value, pauseMs: this.#options.intervalMs };
    pending.value = value;
    this.#pending.set(key, pending);
    return pending;
  }

  #schedule(key: string, pending: Pending<Value>): void {
    if (pending.timer !== undefined || pending.writing !== undefined) return;
    pending.timer = setTimeout(() => void this.#flush(key, pending), pending.pauseMs).unref();
  }

  async #flush(key: string, pending: Pending<Value>): Promise<void> {
    clearTimeout(pending.timer);
    pending.timer = undefined;
    pending.writing ??= this.#writeLatest(pending);
    await pending.writing;
    pending.writing = undefined;
    if (pending.value !== undefined) this.#schedule(key, pending);
    else if (this.#pending.get(key) === pending) this.#pending.delete(key);
  }

  async #writeLatest(pending: Pending<Value>): Promise<void> {
    const { intervalMs, maxRetryMs } = this.#options;
    const { value } = pending;
    if (value === undefined) return;
    pending.value = undefined;
    try {
      await this.#write(value);
      pending.pauseMs = intervalMs;
    } catch {
      pending.value ??= value;
      pending.pauseMs = Math.min(Math.max(intervalMs, pending.pauseMs * 2), maxRetryMs);
    }
  }
}
