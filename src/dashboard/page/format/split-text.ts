const BLOCK_CHARACTERS = 2000;

/**
 * Cuts a text behind line breaks into blocks that can stand one below the other, so that only the last one of a growing
 * text has to be laid out again. Joined, they are the text.
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
