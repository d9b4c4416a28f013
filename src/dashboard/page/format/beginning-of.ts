const MOST_CHARACTERS = 1200;
const MOST_LINES = 16;

/** As much of a text as fits on a screen beside others; the text itself when that is all of it. */
export function beginningOf(text: string): string {
  const lines = text.slice(0, MOST_CHARACTERS).split('\n', MOST_LINES).join('\n');
  // Half of a character is shown as none that anybody has written.
  return lines.length < text.length ? lines.replace(/[\uD800-\uDBFF]$/, '') : text;
}
