const tabColumns = 8;
/** A word that starts this close to the edge is buffered, because it may have to move to the next line. */
const edgeColumns = 24;
const wide =
  /^[\p{Emoji_Presentation}\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\u{20000}-\u{3FFFD}]$/u;
const withoutWidth = /^[\p{M}\p{Cf}]$/u;

export interface WordWrapOptions {
  readonly write: (text: string) => void;
  /** Returns the current width of the terminal. If undefined, text is not wrapped. */
  readonly columns: () => number | undefined;
}

/**
 * Wraps text that arrives in pieces at word boundaries. Buffers only a word that starts near the edge until it is
 * complete; writes everything else immediately.
 */
export class WordWrap {
  readonly #options: WordWrapOptions;
  /** Number of columns used on the current line. */
  #column = 0;
  /** The buffered word. */
  #word = '';
  #wordColumns = 0;
  /** Whether the start of the current word is already written. */
  #isWordBegun = false;

  constructor(options: WordWrapOptions) {
    this.#options = options;
  }

  /** Whether the next character would be the first on its line. */
  get isAtLineStart(): boolean {
    return this.#column === 0 && this.#word === '';
  }

  /** @param style - applied to the written text; must not change its width */
  push(text: string, style: (text: string) => string = asItIs): void {
    const columns = this.#options.columns() ?? Infinity;
    let ready = '';
    for (const character of text) {
      if (character === '\n' || character === ' ' || character === '\t') {
        ready += this.#takeWord(columns) + this.#takeSpace(character, columns);
        this.#isWordBegun = false;
        continue;
      }
      const width = widthOf(character);
      this.#word += character;
      this.#wordColumns += width;
      // Scripts with wide characters have no spaces between words, so their lines can end anywhere.
      const canWait = !this.#isWordBegun && width < 2 && this.#column > columns - edgeColumns;
      if (!canWait || this.#wordColumns > edgeColumns) {
        ready += this.#takeWord(columns);
        this.#isWordBegun = width < 2;
      }
    }
    this.#write(ready, style);
  }

  /** Writes the buffered word. */
  flush(style: (text: string) => string = asItIs): void {
    this.#write(this.#takeWord(this.#options.columns() ?? Infinity), style);
  }

  #takeWord(columns: number): string {
    const isMoved = !this.#isWordBegun && this.#column > 0 && this.#column + this.#wordColumns > columns;
    const text = isMoved ? `\n${this.#word}` : this.#word;
    this.#column = (isMoved ? 0 : this.#column) + this.#wordColumns;
    // The terminal itself wraps to the next line.
    while (this.#column > columns) this.#column -= columns;
    this.#word = '';
    this.#wordColumns = 0;
    return text;
  }

  #takeSpace(character: '\n' | ' ' | '\t', columns: number): string {
    const width = character === ' ' ? 1 : tabColumns - (this.#column % tabColumns);
    const isSeen = character !== '\n' && this.#column + width < columns;
    if (character === '\n') this.#column = 0;
    else this.#column = isSeen ? this.#column + width : columns;
    return character === '\n' || isSeen ? character : '';
  }

  #write(text: string, style: (text: string) => string): void {
    if (text !== '') this.#options.write(text.replaceAll(/[^\n]+/g, style));
  }
}

function asItIs(text: string): string {
  return text;
}

function widthOf(character: string): number {
  if (withoutWidth.test(character)) return 0;
  return wide.test(character) ? 2 : 1;
}
