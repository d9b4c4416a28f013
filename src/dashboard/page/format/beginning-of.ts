const MOST_CHARACTERS = 1200;
const MOST_LINES = 16;

/** Returns the beginning of a long text, or a short text unchanged. */
export function beginningOf(text: string): string {
  const lines = text.slice(0, MOST_CHARACTERS).split('\n', MOST_LINES).join('\n');
  // Do not cut a surrogate pair: half of it renders as a replacement character.
  return lines.length < text.length ? lines.replace(/[\uD800-\uDBFF]$/, '') : text;
}
