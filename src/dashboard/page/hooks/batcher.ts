/** Short enough to look like a stream, and longer than a frame, because drawing takes most of the CPU time. */
const PAUSE_MS = 50;
const HIDDEN_PAGE_PAUSE_MS = 500;

/** Batches items: passes on the first at once, and the others at most every 50 ms, or every 500 ms in the background. */
export class Batcher<Item> {
  readonly #onBatch: (items: readonly Item[]) => void;
  #items: Item[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #passedAt = -Infinity;

  constructor(onBatch: (items: readonly Item[]) => void) {
    this.#onBatch = onBatch;
  }

  add(items: readonly Item[]): void {
    this.#items = this.#items.concat(items);
    if (this.#timer !== undefined) return;
    const pauseMs = document.hidden ? HIDDEN_PAGE_PAUSE_MS : PAUSE_MS;
    this.#timer = setTimeout(() => this.#pass(), Math.max(0, this.#passedAt + pauseMs - performance.now()));
  }

  /** Drops the current batch. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#items = [];
  }

  #pass(): void {
    this.#timer = undefined;
    this.#passedAt = performance.now();
    const batch = this.#items;
    this.#items = [];
    this.#onBatch(batch);
  }
}
