/** Numbered pieces of an answer: `0 `, `1 ` … */
export function numberedPieces(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${index} `);
}
