import { Countdown, Stopwatch } from '../../functions/time-limits.js';

/** Total time that a run waits for the store, before its end. */
const MAX_WAIT_MS = 15_000;
/** A run gives up on a store that acknowledges nothing for this long. */
const DEFAULT_PATIENCE_MS = 10_000;
/** Time limit at the end of the run for a store that the run had given up: longer than its longest request. */
const LAST_PATIENCE_MS = 4000;
/** Time limit for a store that another run has given up. */
const GIVEN_UP_PATIENCE_MS = 1000;

export interface StorePatienceOptions {
  /** How long the store may acknowledge nothing. @default 10 s */
  readonly usualMs?: number | undefined;
  /** Whether another run has given up on the store. */
  readonly isStoreGivenUp: boolean;
  /** Called each time the store has taken too long. */
  readonly onLost: () => void;
}

/** How long a run waits for the store: for each acknowledgement, in total before its end, and at its end. */
export class StorePatience {
  readonly #usualMs: number;
  /** 15 s, or the usual patience if that is longer. */
  readonly #maxWaitMs: number;
  readonly #countdown: Countdown;
  /** Time that the run has waited so far, before its end. */
  readonly #waited = new Stopwatch();
  #isWaiting = false;
  #isEnding = false;
  /** Whether another run had given up on the store, and the store has accepted nothing of this one yet. */
  #isStoreGivenUp: boolean;

  constructor({ usualMs = DEFAULT_PATIENCE_MS, isStoreGivenUp, onLost }: StorePatienceOptions) {
    this.#usualMs = usualMs;
    this.#maxWaitMs = Math.max(MAX_WAIT_MS, usualMs);
    this.#isStoreGivenUp = isStoreGivenUp;
    this.#countdown = new Countdown(onLost);
  }

  /** Whether the run has waited for as long as it may before its end. */
  get isUsedUp(): boolean {
    return this.#waited.elapsedMs >= this.#maxWaitMs;
  }

  /** The run begins to wait for space in its buffer. */
  startWaiting(): void {
    this.#isWaiting = true;
    this.#waited.start();
    if (this.#countdown.remainingMs > this.#leftMs()) this.#countdown.start(this.#leftMs());
  }

  stopWaiting(): void {
    this.#isWaiting = false;
    this.#waited.stop();
  }

  /** Starts the time limit of a write, unless an earlier one continues. */
  limitWrite(): void {
    if (this.#countdown.remainingMs !== Infinity) return;
    const leftMs = this.#isWaiting ? this.#leftMs() : Infinity;
    this.#countdown.start(Math.max(0, Math.min(this.#limited(this.#usualMs), leftMs)));
  }

  /** Starts the time limit of the run's end. Acknowledgements do not extend it. */
  beginEnding(isGivenUp: boolean): void {
    this.#isEnding = true;
    const isGone = isGivenUp && !this.isUsedUp;
    const usualMs = isGone ? 0 : Math.min(this.#countdown.remainingMs, this.#usualMs);
    this.#countdown.start(this.#limited(Math.max(usualMs, LAST_PATIENCE_MS)));
  }

  /** The store has accepted a write. */
  acknowledge(): void {
    this.#isStoreGivenUp = false;
    if (!this.#isEnding) this.#countdown.stop();
  }

  stop(): void {
    this.#countdown.stop();
  }

  /** Stops for good. */
  close(): void {
    this.#countdown.close();
  }

  #leftMs(): number {
    return this.#maxWaitMs - this.#waited.elapsedMs;
  }

  #limited(ms: number): number {
    return this.#isStoreGivenUp ? Math.min(ms, GIVEN_UP_PATIENCE_MS) : ms;
  }
}
