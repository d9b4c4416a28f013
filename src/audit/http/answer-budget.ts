import { HttpError } from '../../functions/http-error.js';

const RETRY_AFTER_SECONDS = 2;

/** Limits the total size of large responses that are being sent at the same time. */
export class AnswerBudget {
  readonly #maxBytes: number;
  #spentBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * Reserves the bytes of a response until its pieces are read or the reader stops.
   *
   * @throws HttpError 503 if the budget is used up. A response that is the only one is always allowed.
   */
  spend<Piece>(bytes: number, pieces: Iterable<Piece> | AsyncIterable<Piece>): AsyncIterable<Piece> {
    if (this.#spentBytes > 0 && this.#spentBytes + bytes > this.#maxBytes) {
      throw new HttpError(503, 'Too many large responses are being sent. Try again in a moment, or read in pages.', {
        retryAfterSeconds: RETRY_AFTER_SECONDS,
      });
    }
    this.#spentBytes += bytes;
    return this.#returning(bytes, pieces);
  }

  async *#returning<Piece>(bytes: number, pieces: Iterable<Piece> | AsyncIterable<Piece>): AsyncGenerator<Piece> {
    try {
      yield* pieces;
    } finally {
      this.#spentBytes -= bytes;
    }
  }
}
