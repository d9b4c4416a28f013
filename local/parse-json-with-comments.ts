/**
 * Parses JSON like the Functions tools: allows a byte order mark, comments and trailing commas. Line and column of a
 * syntax error refer to the original text.
 *
 * @throws SyntaxError like `JSON.parse`
 */
export function parseJsonWithComments(text: string): unknown {
  const json = text
    .replace(/^\uFEFF/, '')
    .replace(/("(?:\\.|[^"\\])*")|\/\/[^\n\r]*|\/\*[\s\S]*?\*\//g, keepStrings)
    .replace(/("(?:\\.|[^"\\])*")|,(?=\s*[}\]])/g, keepStrings);
  return JSON.parse(json);
}

function keepStrings(match: string, text: string | undefined): string {
  return text ?? match.replace(/[^\n\r]/g, ' ');
}
