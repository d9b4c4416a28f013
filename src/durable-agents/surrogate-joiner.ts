const HIGH_SURROGATE_AT_END = /[\uD800-\uDBFF]$/;

/**
 * Re-cuts streamed text so that no piece ends in half a surrogate pair, which UTF-8 cannot encode. The joined pieces
 * are unchanged, except that half a pair without its other half becomes U+FFFD.
 */
export class SurrogateJoiner {
  #pending = '';

  /** Returns the text that can be shown now; empty if it is only the first half of a pair. */
  push(text: string): string {
    if (this.#pending === '' && text.isWellFormed()) return text;
    const joined = this.#pending + text;
    const [half = ''] = HIGH_SURROGATE_AT_END.exec(joined) ?? [];
    this.#pending = half;
    return joined.slice(0, joined.length - half.length).toWellFormed();
  }

  /** Returns the rest of the text. Call it after the last piece. */
  end(): string {
    const rest = this.#pending.toWellFormed();
    this.#pending = '';
    return rest;
  }
}
