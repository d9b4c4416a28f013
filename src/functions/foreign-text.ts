/** Control characters, and format characters: bidirectional marks, zero-width characters, byte order marks. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;

/**
 * Makes text of others safe to show in an answer, an event or a log line: one line, without control and bidirectional
 * characters and lone surrogates, cut to `maxChars` code points with an ellipsis.
 */
export function cleanForeignText(text: string, maxChars = 200): string {
  // Far more than can be shown, far less than would cost time.
  const line = text
    .slice(0, maxChars * 8)
    .toWellFormed()
    .replace(UNSAFE, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  const characters = Array.from(line);
  return characters.length <= maxChars ? line : `${characters.slice(0, maxChars).join('').trimEnd()}…`;
}
