/**
 * Parses JSON as the Functions tools read their configuration files: with a byte order mark, comments
 * of both kinds and trailing commas. Line and column of a syntax error stay those of the text.
 *
 * @throws SyntaxError as `JSON.parse` does.
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
