/** How much goes together. */
export interface BinLimits {
  /** Of all items together; a heavier item stands alone. */
  readonly maxWeight: number;
  readonly maxCount: number;
}

/** Puts items together, in their order, as many as the limits allow. */
export function fillBins<Item>(
  items: readonly Item[],
  weightOf: (item: Item) => number,
  { maxWeight, maxCount }: BinLimits,
): Item[][] {
  const bins: Item[][] = [];
  let current: Item[] = [];
  let weight = 0;
  for (const item of items) {
    const added = weightOf(item);
    if (current.length > 0 && (weight + added > maxWeight || current.length === maxCount)) {
      bins.push(current);
      current = [];
      weight = 0;
    }
    current.push(item);
    weight += added;
  }
  if (current.length > 0) bins.push(current);
  return bins;
}
