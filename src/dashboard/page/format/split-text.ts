const BLOCK_CHARACTERS = 2000;

/**
 * Splits a text into blocks after line breaks, so that the browser lays out only the last block of a growing text.
 * Joining the blocks restores the text.
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
