const HIDDEN_PAGE_MS = 500;

/** Batches items: passes them on at most once per painted frame. */
export class FrameBatcher<Item> {
  readonly #onBatch: (items: readonly Item[]) => void;
  #items: Item[] = [];
  #cancel: (() => void) | undefined;

  constructor(onBatch: (items: readonly Item[]) => void) {
    this.#onBatch = onBatch;
  }

  add(items: readonly Item[]): void {
    this.#items = this.#items.concat(items);
    this.#cancel ??= this.#schedule(() => {
      this.#cancel = undefined;
      const batch = this.#items;
      this.#items = [];
      this.#onBatch(batch);
    });
  }

  /** Drops the current batch. */
  stop(): void {
    this.#cancel?.();
    this.#items = [];
  }

  /** Uses a timer in the background, where pages are not painted. */
  #schedule(flush: () => void): () => void {
    if (document.hidden) {
      const timer = setTimeout(flush, HIDDEN_PAGE_MS);
      return () => clearTimeout(timer);
    }
    const frame = requestAnimationFrame(flush);
    return () => cancelAnimationFrame(frame);
  }
}
