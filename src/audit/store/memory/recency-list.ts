interface Node<Item> {
  readonly item: Item;
  older: Node<Item> | undefined;
  newer: Node<Item> | undefined;
}

/**
 * Orders items by when they were last touched, in constant time per operation. A `Map` does not suit: after many
 * deletions at its front, finding its first item gets slower the larger it is.
 */
export class RecencyList<Item> {
  readonly #nodes = new Map<Item, Node<Item>>();
  #oldest: Node<Item> | undefined;
  #newest: Node<Item> | undefined;

  /** The least recently touched item. */
  get oldest(): Item | undefined {
    return this.#oldest?.item;
  }

  get newest(): Item | undefined {
    return this.#newest?.item;
  }

  /** Adds an item, or makes it the newest. */
  touch(item: Item): void {
    if (this.#newest?.item === item) return;
    const node = this.#nodes.get(item) ?? { item, older: undefined, newer: undefined };
    this.#nodes.set(item, node);
    this.#unlink(node);
    node.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = node;
    else this.#newest.newer = node;
    this.#newest = node;
  }

  delete(item: Item): void {
    const node = this.#nodes.get(item);
    if (node === undefined) return;
    this.#nodes.delete(item);
    this.#unlink(node);
  }

  #unlink(node: Node<Item>): void {
    if (node.older !== undefined) node.older.newer = node.newer;
    else if (this.#oldest === node) this.#oldest = node.newer;
    if (node.newer !== undefined) node.newer.older = node.older;
    else if (this.#newest === node) this.#newest = node.older;
    node.older = undefined;
    node.newer = undefined;
  }
}
