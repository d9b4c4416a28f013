/**
 * A time limit that begins and is lifted again and again, and seldom reached. One timer serves for many: one for each
 * would be a good part of what it costs to write an event to memory.
 */
export class Patience {
  readonly #onEnd: () => void;
  #endsAtMs = Infinity;
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = Infinity;

  /** @param onEnd called each time that it lasts to its end */
  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  /** `Infinity` when it has not begun. */
  get leftMs(): number {
    return this.#endsAtMs - performance.now();
  }

  /** Begins, unless it has begun already. */
  begin(ms: number): void {
    if (this.#endsAtMs === Infinity) this.restart(ms);
  }

  restart(ms: number): void {
    this.#endsAtMs = performance.now() + ms;
    if (this.#endsAtMs < this.#timerAtMs) this.#setTimer(ms);
  }

  lift(): void {
    this.#endsAtMs = Infinity;
  }

  /** Lifts it, and leaves no timer behind. */
  close(): void {
    this.lift();
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
    const { leftMs } = this;
    if (leftMs > 0) return this.#setTimer(Math.ceil(leftMs));
    this.lift();
    this.#onEnd();
  }
}
