/**
 * Cuts a text into pieces; joined they are the text again. No cut goes through a surrogate pair: half of one does not
 * survive UTF-8. An empty text is one empty piece.
 *
 * @param maxLength of a piece, in UTF-16 code units; 2 or more
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

/** Whether the code units at `index` and behind it are one character. */
function isPair(text: string, index: number): boolean {
  const codePoint = text.codePointAt(index);
  return codePoint !== undefined && codePoint > 0xff_ff;
}
