/** Control and format characters: bidirectional marks, zero-width characters, byte order marks. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;

/**
 * Makes untrusted text safe for a response, an event or a log line: one line, no control characters, bidirectional marks
 * or lone surrogates, shortened to `maxChars` code points with an ellipsis.
 */
export function cleanForeignText(text: string, maxChars = 200): string {
  // Bounds the work for huge texts.
  const line = text
    .slice(0, maxChars * 8)
    .toWellFormed()
    .replace(UNSAFE, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  const characters = Array.from(line);
  return characters.length <= maxChars ? line : `${characters.slice(0, maxChars).join('').trimEnd()}…`;
}
