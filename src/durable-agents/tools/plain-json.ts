/** Maximum levels of objects and lists in the arguments of a call. */
export const MAX_ARGUMENT_LEVELS = 100;
/** Maximum size of a tool's result, in bytes of JSON in UTF-8. */
export const MAX_RESULT_BYTES = 64 * 1024;

/**
 * Converts a value as `JSON.stringify` does, so that state, store and model all see the same. Values that JSON cannot
 * represent become a text such as `[not JSON: function]`.
 *
 * @throws TypeError for a circular value; otherwise the error of a `toJSON`
 */
export function toPlainJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null, describeForeign) ?? 'null');
}

/**
 * Returns a value whose JSON has at most `maxBytes`: the value itself, or the beginning of its text or JSON with a note
 * that it was cut.
 *
 * @param value - plain JSON
 * @param maxBytes - 200 or more
 */
export function cutJson(value: unknown, maxBytes = MAX_RESULT_BYTES): unknown {
  const json = JSON.stringify(value);
  const bytes = Buffer.byteLength(json);
  if (bytes <= maxBytes) return value;
  const text = typeof value === 'string' ? value : json;
  const note = `… [cut: ${bytes} bytes, the limit is ${maxBytes}]`;
  const cutAt = (length: number): string => `${text.slice(0, length).toWellFormed()}${note}`;
  let fits = 0;
  let tooLong = text.length;
  while (tooLong - fits > 1) {
    const middle = (fits + tooLong) >>> 1;
    if (Buffer.byteLength(JSON.stringify(cutAt(middle))) <= maxBytes) fits = middle;
    else tooLong = middle;
  }
  return cutAt(fits);
}

function describeForeign(_key: string, value: unknown): unknown {
  switch (typeof value) {
    case 'bigint':
    case 'function':
    case 'symbol':
      return `[not JSON: ${typeof value}]`;
    case 'number':
      return Number.isFinite(value) ? value : `[not JSON: ${value}]`;
    case 'object':
      // These have no enumerable members, so their contents would vanish silently.
      return value instanceof Map || value instanceof Set || value instanceof Error || value instanceof ArrayBuffer
        ? `[not JSON: ${value.constructor.name}]`
        : value;
    default:
      return value;
  }
}
