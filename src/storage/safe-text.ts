/*
 * Services and their emulators disagree about some characters: control characters, line separators, half a surrogate
 * pair. A text that contains one is stored as a JSON string of other characters. A text begins with `=` if it is stored
 * unchanged, and with `"` if not.
 */

// oxlint-disable-next-line no-control-regex -- these are the characters to find
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufffe\uffff]/;
const UNSAFE_IN_JSON = /[\u007f-\u009f\u2028\u2029\ufffe\uffff]/g;

export function encodeText(text: string): string {
  if (!UNSAFE.test(text) && text.isWellFormed()) return `=${text}`;
  return JSON.stringify(text).replaceAll(
    UNSAFE_IN_JSON,
    (character) => String.raw`\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Decodes the result of {@link encodeText}. */
export function decodeText(encoded: string): string {
  if (encoded.startsWith('=')) return encoded.slice(1);
  const text: unknown = JSON.parse(encoded);
  if (typeof text !== 'string') throw new TypeError('A stored text is not a JSON string.');
  return text;
}
