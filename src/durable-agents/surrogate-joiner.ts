const HIGH_SURROGATE_AT_END = /[\uD800-\uDBFF]$/;

/**
 * Re-cuts streamed text so that no piece ends in half a surrogate pair, which UTF-8 could not carry. The pieces
 * joined are the text as the model meant it; a half without its other half becomes U+FFFD.
 */
export class SurrogateJoiner {
  #pending = '';

  /** The text that can be shown now: empty when all there is is the first half of a pair. */
  push(text: string): string {
    const joined = this.#pending + text;
    const [half = ''] = HIGH_SURROGATE_AT_END.exec(joined) ?? [];
    this.#pending = half;
    return joined.slice(0, joined.length - half.length).toWellFormed();
  }

  /** What is left when no more text comes. */
  end(): string {
    const rest = this.#pending.toWellFormed();
    this.#pending = '';
    return rest;
  }
}
