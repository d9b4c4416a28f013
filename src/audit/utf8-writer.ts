/** A code unit takes no more. */
const MAX_BYTES_PER_CHAR = 3;
const PIECE_CHARS = 16 * 1024;

/** Puts many short texts together as UTF-8. In one string they would be copied several times more, within the heap. */
export class Utf8Writer {
  #bytes: Buffer;
  #length = 0;
  #piece = '';

  /** @param expectedBytes how long all will be, about */
  constructor(expectedBytes: number) {
    this.#bytes = Buffer.allocUnsafeSlow(expectedBytes);
  }

  /** @param text whole characters: no half of a surrogate pair at either end */
  add(text: string): void {
    this.#piece += text;
    if (this.#piece.length >= PIECE_CHARS) this.#writePiece();
  }

  /** All that was added so far. */
  toBytes(): Uint8Array {
    this.#writePiece();
    return this.#bytes.subarray(0, this.#length);
  }

  #writePiece(): void {
    if (this.#length + this.#piece.length * MAX_BYTES_PER_CHAR > this.#bytes.length) this.#makeRoom();
    this.#length += this.#bytes.write(this.#piece, this.#length);
    this.#piece = '';
  }

  #makeRoom(): void {
    const needed = this.#length + Buffer.byteLength(this.#piece);
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
