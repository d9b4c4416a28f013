/** Minified JSON text, or why the text is not JSON. */
export type JsonText = { readonly text: string } | { readonly text: undefined; readonly reason: string };

/** Parses JSON. Common errors have the wording of the real host's parser (Newtonsoft.Json). */
export function readJsonText(text: string): JsonText {
  try {
    return { text: JSON.stringify(JSON.parse(text)) };
  } catch (error) {
    if (error instanceof SyntaxError) return { text: undefined, reason: describeFailure(text, error) };
    throw error;
  }
}

function describeFailure(text: string, error: SyntaxError): string {
  const lines = text.split('\n');
  const line = lines.length;
  const position = lines.at(-1)?.length ?? 0;
  if (/^\s*\{\s*[\p{L}\p{N}_$]+$/u.test(text)) {
    return `Unexpected end while parsing unquoted property name. Path '', line ${line}, position ${position}.`;
  }
  const [, first] = /^\s*([^\s{["'\d\-tfnuIN])/.exec(text) ?? [];
  if (first !== undefined) {
    return `Unexpected character encountered while parsing value: ${first}. Path '', line 0, position 0.`;
  }
  return error.message;
}
