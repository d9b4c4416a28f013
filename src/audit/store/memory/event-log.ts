const FIRST_BLOCK_BYTES = 1024;
const FULL_BLOCK_BYTES = 8 * 1024;
const MIN_TEXTS_AT_ONCE = 20;

/** Several texts in one buffer. */
interface Block<Tag> {
  readonly firstSequence: number;
  bytes: Buffer;
  /** End offset of each text in `bytes`. */
  readonly ends: number[];
  readonly tags: Tag[];
}

/** A text of the log with its position and tag. */
export interface LogEntry<Tag> {
  readonly sequence: number;
  readonly text: string;
  readonly tag: Tag;
}

/**
 * Numbered texts in blocks of UTF-8 bytes, with almost no overhead per text.
 *
 * @typeParam Tag - stored with each text. Many texts may share one.
 */
export class EventLog<Tag> {
  readonly #blocks: Block<Tag>[] = [];
  #firstSequence = 1;
  #lastSequence = 0;
  #byteLength = 0;

  /** Sequence of the oldest stored text; `lastSequence + 1` if there is none. */
  get firstSequence(): number {
    return this.#firstSequence;
  }

  /** Sequence of the newest text ever appended; 0 before the first. */
  get lastSequence(): number {
    return this.#lastSequence;
  }

  get count(): number {
    return this.#lastSequence - this.#firstSequence + 1;
  }

  /** Size of the stored texts in bytes. */
  get byteLength(): number {
    return this.#byteLength;
  }

  /** Adds a text with the sequence `lastSequence + 1`. */
  append(text: string, tag: Tag): void {
    const length = Buffer.byteLength(text);
    const block = this.#blockWithRoomFor(length);
    const start = block.ends.at(-1) ?? 0;
    block.bytes.write(text, start);
    block.ends.push(start + length);
    block.tags.push(tag);
    this.#lastSequence += 1;
    this.#byteLength += length;
  }

  /** Removes the oldest text. @returns its tag; `undefined` if there is none */
  dropOldest(): Tag | undefined {
    const [block] = this.#blocks;
    if (block === undefined) return undefined;
    const index = this.#firstSequence - block.firstSequence;
    this.#byteLength -= endAt(block, index) - startAt(block, index);
    this.#firstSequence += 1;
    if (this.#firstSequence >= endOf(block)) this.#blocks.shift();
    return block.tags[index];
  }

  clear(): void {
    this.#blocks.length = 0;
    this.#byteLength = 0;
    this.#firstSequence = this.#lastSequence + 1;
  }

  /** Returns at most `limit` texts from sequence `first` on. Both must be within the stored range. */
  slice(first: number, limit: number): LogEntry<Tag>[] {
    const end = Math.min(first + limit, this.#lastSequence + 1);
    const entries: LogEntry<Tag>[] = [];
    for (let index = this.#blockIndexOf(first); index < this.#blocks.length; index += 1) {
      const block = this.#blocks[index];
      if (block === undefined || block.firstSequence >= end) break;
      addEntries(entries, block, Math.max(first, block.firstSequence), Math.min(end, endOf(block)));
    }
    return entries;
  }

  #blockWithRoomFor(length: number): Block<Tag> {
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
    const block: Block<Tag> = {
      firstSequence: this.#lastSequence + 1,
      bytes: Buffer.allocUnsafeSlow(Math.max(FIRST_BLOCK_BYTES, length)),
      ends: [],
      tags: [],
    };
    this.#blocks.push(block);
    return block;
  }

  /** Finds the block that contains a sequence, by binary search. */
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

function addEntries<Tag>(entries: LogEntry<Tag>[], block: Block<Tag>, first: number, end: number): void {
  const firstIndex = first - block.firstSequence;
  const offset = startAt(block, firstIndex);
  const endOffset = endAt(block, end - 1 - block.firstSequence);
  // Decodes all texts at once, which is faster. Slicing the result works only if each character is one byte.
  const text = end - first < MIN_TEXTS_AT_ONCE ? '' : block.bytes.toString('utf8', offset, endOffset);
  const isAscii = text.length === endOffset - offset;
  for (let sequence = first; sequence < end; sequence += 1) {
    const index = sequence - block.firstSequence;
    const [from, to] = [startAt(block, index), endAt(block, index)];
    const tag = block.tags[index];
    if (tag === undefined) continue;
    const own = isAscii ? text.slice(from - offset, to - offset) : block.bytes.toString('utf8', from, to);
    entries.push({ sequence, text: own, tag });
  }
}

/** Returns the sequence after the block's last text. */
function endOf({ firstSequence, ends }: Block<unknown>): number {
  return firstSequence + ends.length;
}

function startAt({ ends }: Block<unknown>, index: number): number {
  return ends[index - 1] ?? 0;
}

function endAt({ ends }: Block<unknown>, index: number): number {
  return ends[index] ?? 0;
}

function resized(bytes: Buffer, used: number, length: number): Buffer {
  if (bytes.length === length) return bytes;
  const copy = Buffer.allocUnsafeSlow(length);
  bytes.copy(copy, 0, 0, used);
  return copy;
}
