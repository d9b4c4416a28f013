const FIRST_BLOCK_BYTES = 1024;
const FULL_BLOCK_BYTES = 8 * 1024;
const OPEN = Buffer.from('[');
const CLOSE = Buffer.from(']');
const COMMA = Buffer.from(',');

/** Several events side by side, each followed by a comma. */
interface Block {
  readonly firstSequence: number;
  bytes: Buffer;
  /** Where each event ends in `bytes`, behind its comma. */
  readonly ends: number[];
}

/**
 * The events of one thread as JSON text, in blocks of bytes: a page of them is served by copying a few blocks, and
 * next to nothing is kept beside the text itself.
 */
export class EventLog {
  readonly #blocks: Block[] = [];
  #firstSequence = 1;
  #lastSequence = 0;
  #byteLength = 0;

  /** The sequence of the oldest kept event; one more than `lastSequence` when there is none. */
  get firstSequence(): number {
    return this.#firstSequence;
  }

  /** The sequence of the newest event ever appended; 0 before the first. */
  get lastSequence(): number {
    return this.#lastSequence;
  }

  get count(): number {
    return this.#lastSequence - this.#firstSequence + 1;
  }

  /** Bytes of the kept events' JSON. */
  get byteLength(): number {
    return this.#byteLength;
  }

  /** Adds the JSON text of an event, whose sequence must be `lastSequence + 1`. */
  append(json: string): void {
    const length = Buffer.byteLength(json);
    const block = this.#blockWithRoomFor(length + COMMA.length);
    const start = block.ends.at(-1) ?? 0;
    block.bytes.write(json, start);
    COMMA.copy(block.bytes, start + length);
    block.ends.push(start + length + COMMA.length);
    this.#lastSequence += 1;
    this.#byteLength += length;
  }

  /** Removes the oldest event. */
  dropOldest(): void {
    const [block] = this.#blocks;
    if (block === undefined) return;
    this.#byteLength -= sizeOf(block, this.#firstSequence);
    this.#firstSequence += 1;
    if (this.#firstSequence >= endOf(block)) this.#blocks.shift();
  }

  clear(): void {
    this.#blocks.length = 0;
    this.#byteLength = 0;
    this.#firstSequence = this.#lastSequence + 1;
  }

  /** The JSON array of at most `limit` events from sequence `first` on; both within what is kept. */
  slice(first: number, limit: number): Buffer {
    const end = Math.min(first + limit, this.#lastSequence + 1);
    const pieces: Uint8Array[] = [OPEN];
    for (let index = this.#blockIndexOf(first); index < this.#blocks.length; index += 1) {
      const block = this.#blocks[index];
      if (block === undefined || block.firstSequence >= end) break;
      const from = startOf(block, Math.max(first, block.firstSequence));
      const to = startOf(block, Math.min(end, endOf(block)));
      const isLast = endOf(block) >= end;
      pieces.push(block.bytes.subarray(from, isLast ? to - COMMA.length : to));
    }
    pieces.push(CLOSE);
    return Buffer.concat(pieces);
  }

  #blockWithRoomFor(length: number): Block {
    const last = this.#blocks.at(-1);
    const used = last?.ends.at(-1) ?? 0;
    if (last !== undefined) {
      if (used + length <= last.bytes.length) return last;
      if (used + length <= FULL_BLOCK_BYTES) {
        last.bytes = resized(
          last.bytes,
          used,
          Math.min(FULL_BLOCK_BYTES, Math.max(last.bytes.length * 2, used + length)),
        );
        return last;
      }
      last.bytes = resized(last.bytes, used, used);
    }
    const block = {
      firstSequence: this.#lastSequence + 1,
      bytes: Buffer.allocUnsafeSlow(Math.max(FIRST_BLOCK_BYTES, length)),
      ends: [],
    };
    this.#blocks.push(block);
    return block;
  }

  /** The block that holds a sequence, found by halving. */
  #blockIndexOf(sequence: number): number {
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const block = this.#blocks[middle];
      if (block !== undefined && endOf(block) <= sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The sequence behind the block's last event. */
function endOf(block: Block): number {
  return block.firstSequence + block.ends.length;
}

/** Where the event of this sequence begins in the block's bytes. */
function startOf(block: Block, sequence: number): number {
  return block.ends[sequence - block.firstSequence - 1] ?? 0;
}

function sizeOf(block: Block, sequence: number): number {
  return startOf(block, sequence + 1) - startOf(block, sequence) - COMMA.length;
}

function resized(bytes: Buffer, used: number, length: number): Buffer {
  if (bytes.length === length) return bytes;
  const copy = Buffer.allocUnsafeSlow(length);
  bytes.copy(copy, 0, 0, used);
  return copy;
}
