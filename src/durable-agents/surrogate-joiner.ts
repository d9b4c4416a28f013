const HIGH_SURROGATE_AT_END = /[\uD800-\uDBFF]$/;

/**
 * Re-cuts streamed text so that no piece ends in half a surrogate pair, which UTF-8 cannot carry. The joined pieces are
 * the text that the model meant; a half without its other half becomes U+FFFD.
 */
export class SurrogateJoiner {
  #pending = '';

  /** The text that can be shown now; empty if it is only the first half of a pair. */
  push(text: string): string {
    if (this.#pending === '' && text.isWellFormed()) return text;
    const joined = this.#pending + text;
    const [half = ''] = HIGH_SURROGATE_AT_END.exec(joined) ?? [];
    this.#pending = half;
    return joined.slice(0, joined.length - half.length).toWellFormed();
  }

  /** The rest of the text, after its last piece. */
  end(): string {
    const rest = this.#pending.toWellFormed();
    this.#pending = '';
    return rest;
  }
}
