/** A call did not settle within its time limit. It may still take effect. */
export class TimeoutError extends Error {
  constructor(timeoutMs: number) {
    super(`Timed out after ${Math.round(timeoutMs)} ms.`);
    this.name = 'TimeoutError';
  }
}

/**
 * Makes a call and stops waiting after `timeoutMs`, even if the call ignores its signal.
 *
 * @param call - receives a signal that is aborted on timeout
 * @throws TimeoutError
 */
export async function withTimeout<Result>(
  timeoutMs: number,
  call: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const error = new TimeoutError(timeoutMs);
      // Reject before aborting, because the abort makes the call fail with an error of its own.
      reject(error);
      controller.abort(error);
    }, timeoutMs);
  });
  try {
    return await Promise.race([call(controller.signal), timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** Settles like `promise`, or rejects with the signal's reason as soon as `signal` is aborted. */
export function raceAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** Waits for `ms` milliseconds, or until `wake` is aborted. Never rejects. */
export function pause(ms: number, wake?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      wake?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    if (wake?.aborted) end();
    else wake?.addEventListener('abort', end);
  });
}

export interface ConsumeOptions {
  readonly signal: AbortSignal;
  /** How long to wait for the source's `return()`. */
  readonly closeTimeoutMs: number;
  /** Called with the error that the source's `return()` throws, or a {@link TimeoutError} if it hangs. */
  readonly onCloseError: (error: unknown) => void;
}

/**
 * Passes the values of `source` to `visit`, one at a time. Closes the source after an abort or when `visit` throws.
 *
 * @param visit - may return a promise, which is awaited before the next value is pulled
 * @throws the error of the source or of `visit`, or the signal's reason, even while the source or `visit` hangs
 */
export async function consume<T>(
  source: AsyncIterable<T>,
  visit: (value: T) => void | Promise<void>,
  { signal, closeTimeoutMs, onCloseError }: ConsumeOptions,
): Promise<void> {
  const iterator = source[Symbol.asyncIterator]();
  let hasEnded = false;
  const pull = async (): Promise<void> => {
    while (!signal.aborted) {
      let result: IteratorResult<T, unknown>;
      try {
        result = await iterator.next();
      } catch (error) {
        hasEnded = true;
        throw error;
      }
      if (result.done === true) {
        hasEnded = true;
        return;
      }
      if (signal.aborted) return;
      const visiting = visit(result.value);
      if (visiting !== undefined) await visiting;
    }
  };
  try {
    // One race for all values, because a race per value costs more than the visit.
    await raceAbort(pull(), signal);
  } finally {
    if (!hasEnded) {
      await withTimeout(closeTimeoutMs, async () => iterator.return?.()).catch(onCloseError);
    }
  }
}

/**
 * A time limit that starts and stops often and rarely expires. Reuses one timer, because a new timer for each start
 * costs more than most of the work that it limits.
 */
export class Countdown {
  readonly #onExpire: () => void;
  #endsAtMs = Infinity;
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = Infinity;

  /** @param onExpire - called each time the countdown reaches zero */
  constructor(onExpire: () => void) {
    this.#onExpire = onExpire;
  }

  /** `Infinity` while stopped. */
  get remainingMs(): number {
    return this.#endsAtMs - performance.now();
  }

  /** Starts from `ms`, even if it is already running. */
  start(ms: number): void {
    this.#endsAtMs = performance.now() + ms;
    if (this.#endsAtMs < this.#timerAtMs) this.#setTimer(ms);
  }

  /** Stops the countdown. May keep its timer until {@link close}. */
  stop(): void {
    this.#endsAtMs = Infinity;
  }

  /** Stops the countdown and clears its timer. */
  close(): void {
    this.stop();
    clearTimeout(this.#timer);
    this.#timerAtMs = Infinity;
  }

  #setTimer(ms: number): void {
    clearTimeout(this.#timer);
    this.#timerAtMs = this.#endsAtMs;
    this.#timer = setTimeout(() => this.#onTimer(), ms);
  }

  #onTimer(): void {
    this.#timerAtMs = Infinity;
    if (this.#endsAtMs === Infinity) return;
    const { remainingMs } = this;
    if (remainingMs > 0) return this.#setTimer(Math.ceil(remainingMs));
    this.stop();
    this.#onExpire();
  }
}

/** Measures the total time between starts and stops. */
export class Stopwatch {
  #startedAt: number | undefined;
  #totalMs = 0;

  /** Includes the time since the last start. */
  get elapsedMs(): number {
    return this.#totalMs + (this.#startedAt === undefined ? 0 : performance.now() - this.#startedAt);
  }

  start(): void {
    this.#startedAt ??= performance.now();
  }

  stop(): void {
    this.#totalMs = this.elapsedMs;
    this.#startedAt = undefined;
  }
}
