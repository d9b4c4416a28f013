export interface BoundedText {
  readonly text: string;
  /** Whether the body was longer. */
  readonly isCut: boolean;
}

/**
 * Reads at most `maxBytes` of a body as text. If there is more, drops the rest and closes the connection.
 *
 * @param first - bytes that were already read from the reader
 */
export async function readAtMost(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  maxBytes: number,
  first: Uint8Array = new Uint8Array(),
): Promise<BoundedText> {
  const pieces = [first];
  let { length } = first;
  while (length <= maxBytes) {
    const { done, value } = await reader.read();
    if (done) return { text: decode(pieces), isCut: false };
    pieces.push(value);
    length += value.length;
  }
  await reader.cancel();
  return { text: decode(pieces).slice(0, maxBytes), isCut: true };
}

function decode(pieces: readonly Uint8Array[]): string {
  return new TextDecoder().decode(Buffer.concat(pieces));
}
