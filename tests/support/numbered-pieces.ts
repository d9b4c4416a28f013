/** Pieces of an answer, each with its number: `0 `, `1 ` … */
export function numberedPieces(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${index} `);
}
