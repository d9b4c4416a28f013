/**
 * Makes untrusted text safe to print: removes control characters except tab and newline, and thereby escape sequences.
 * Checks each character by itself, so a text may be printed in pieces.
 */
export function terminalText(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n\t]/gu, '');
}

/** Makes untrusted text safe to print on one line, shortened to `maxLength` with `…`. */
export function terminalLine(text: string, maxLength = 300): string {
  const line = terminalText(text.slice(0, maxLength * 4))
    .replaceAll(/\s+/g, ' ')
    .trim();
  const characters = Array.from(new Intl.Segmenter().segment(line), ({ segment }) => segment);
  return characters.length > maxLength ? `${characters.slice(0, maxLength).join('').trimEnd()}…` : line;
}
