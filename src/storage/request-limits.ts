/*
 * Services limit the size of a request and the number of requests at a time. These functions keep within such limits.
 */

/** Runs `work` for each item, at most `atOnce` at a time. @returns the results in the order of the items */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const waiting = items.entries();
  const workers = Array.from({ length: Math.min(atOnce, items.length) }, async () => {
    for (const [index, item] of waiting) results[index] = await work(item);
  });
  await Promise.all(workers);
  return results;
}

export interface BinLimits {
  /** Maximum weight of a group. A heavier item gets its own group. */
  readonly maxWeight: number;
  readonly maxCount: number;
}

/** Groups items in order, each group as large as the limits allow. */
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

/**
 * Cuts a text into pieces that join to the same text. Never cuts a surrogate pair, because half of one does not survive
 * UTF-8. An empty text is one empty piece.
 *
 * @param maxLength - maximum length of a piece, in UTF-16 code units; 2 or more
 */
export function splitText(text: string, maxLength: number): string[] {
  const pieces: string[] = [];
  let start = 0;
  while (text.length - start > maxLength) {
    const end = start + maxLength - (isPair(text, start + maxLength - 1) ? 1 : 0);
    pieces.push(text.slice(start, end));
    start = end;
  }
  pieces.push(text.slice(start));
  return pieces;
}

/** Returns whether the code units at `index` and after it form a surrogate pair. */
function isPair(text: string, index: number): boolean {
  const codePoint = text.codePointAt(index);
  return codePoint !== undefined && codePoint > 0xff_ff;
}
