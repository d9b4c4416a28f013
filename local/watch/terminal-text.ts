/**
 * Text of others, made safe to print: without control characters but tab and newline, so that no escape sequence is
 * left in it. Each character is judged alone: a text may be printed in pieces.
 */
export function terminalText(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n\t]/gu, '');
}

/** The same on one line, and shortened with `…` when it is longer than `maxLength`. */
export function terminalLine(text: string, maxLength = 300): string {
  const line = terminalText(text.slice(0, maxLength * 4))
    .replaceAll(/\s+/g, ' ')
    .trim();
  const characters = Array.from(new Intl.Segmenter().segment(line), ({ segment }) => segment);
  return characters.length > maxLength ? `${characters.slice(0, maxLength).join('').trimEnd()}…` : line;
}
