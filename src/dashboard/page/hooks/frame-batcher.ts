const HIDDEN_PAGE_MS = 500;

/** Collects items and hands them on together, at most once for each frame that the browser paints. */
export class FrameBatcher<Item> {
  readonly #onBatch: (items: readonly Item[]) => void;
  #items: Item[] = [];
  #cancel: (() => void) | undefined;

  constructor(onBatch: (items: readonly Item[]) => void) {
    this.#onBatch = onBatch;
  }

  add(items: readonly Item[]): void {
    this.#items.push(...items);
    this.#cancel ??= this.#schedule(() => {
      this.#cancel = undefined;
      const batch = this.#items;
      this.#items = [];
      this.#onBatch(batch);
    });
  }

  /** Drops what was not handed on yet. */
  stop(): void {
    this.#cancel?.();
    this.#items = [];
  }

  /** A page in the background is not painted. */
  #schedule(flush: () => void): () => void {
    if (document.hidden) {
      const timer = setTimeout(flush, HIDDEN_PAGE_MS);
      return () => clearTimeout(timer);
    }
    const frame = requestAnimationFrame(flush);
    return () => cancelAnimationFrame(frame);
  }
}
