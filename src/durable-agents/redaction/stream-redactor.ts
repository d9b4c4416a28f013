import { type Redaction, replace } from './redaction.js';

/** Maximum length of the held-back text, in UTF-16 code units. */
const MAX_HELD = 8192;
/** Matches the rest of a longer secret. */
const CONTINUATION = /^[^\s"'`<>]+/;

/**
 * Redacts a text that arrives in pieces. Holds back the end of the text while it may be the beginning of a secret.
 * Searches only the new piece and the held-back text.
 */
export class StreamRedactor {
  readonly #redaction: Redaction;
  /** The last released character before redaction, because patterns look back by one. */
  #before = '';
  #held = '';
  /** Whether the text is within a secret that was replaced before its end. */
  #isInSecret = false;

  constructor(redaction: Redaction) {
    this.#redaction = redaction;
  }

  /** @returns the text that can be released now; often empty */
  push(piece: string): string {
    const rest = this.#isInSecret ? this.#skip(piece) : piece;
    const from = this.#before.length;
    const text = this.#before + this.#held + rest;
    if (text.length === from) return '';
    const secrets = this.#redaction.find(text, from, { isWhole: false });
    const undecided = this.#redaction.tailStart(text, from);
    // A secret that reaches into the held-back part may belong to a longer one.
    const start = secrets.find((secret) => secret.end > undecided)?.start ?? undecided;
    const cut = wholeCharacters(text, Math.min(start, undecided));
    const released = replace(
      text,
      from,
      secrets.filter(({ end }) => end <= cut),
      cut,
    );
    this.#before = text.slice(Math.max(0, cut - 1), cut);
    this.#held = text.slice(cut);
    return this.#held.length > MAX_HELD ? released + this.#overflow() : released;
  }

  /** Releases the rest. Call it after the last piece. */
  end(): string {
    const rest = this.#releaseAll().text;
    this.#before = '';
    this.#isInSecret = false;
    return rest;
  }

  /** Releases text beyond the limit. If it ends within a secret, the rest of the secret is dropped as it arrives. */
  #overflow(): string {
    const { text, isInSecret } = this.#releaseAll();
    this.#isInSecret = isInSecret;
    return text;
  }

  #releaseAll(): { readonly text: string; readonly isInSecret: boolean } {
    const from = this.#before.length;
    const text = this.#before + this.#held;
    const secrets = this.#redaction.find(text, from, { isWhole: true });
    this.#before = text.slice(-1);
    this.#held = '';
    return { text: replace(text, from, secrets), isInSecret: secrets.at(-1)?.end === text.length };
  }

  #skip(piece: string): string {
    const [skipped = ''] = CONTINUATION.exec(piece) ?? [];
    if (skipped !== '') this.#before = skipped.slice(-1);
    this.#isInSecret = skipped.length === piece.length;
    return piece.slice(skipped.length);
  }
}

/** Moves an index out of a surrogate pair. */
function wholeCharacters(text: string, index: number): number {
  const isWithinPair = index > 0 && /^[\uDC00-\uDFFF]/.test(text.slice(index, index + 1));
  return isWithinPair ? index - 1 : index;
}
