const BLOCK_CHARACTERS = 2000;

/**
 * Splits a text after line breaks into blocks, so that the browser lays out only the last block of a growing text. The
 * joined blocks are the text.
 */
export function splitText(text: string): string[] {
  const blocks: string[] = [];
  let start = 0;
  while (text.length - start > BLOCK_CHARACTERS) {
    const end = text.indexOf('\n', start + BLOCK_CHARACTERS) + 1;
    if (end === 0) break;
    blocks.push(text.slice(start, end));
    start = end;
  }
  blocks.push(text.slice(start));
  return blocks;
}
