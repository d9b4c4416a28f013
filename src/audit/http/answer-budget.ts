import { HttpError } from '../../functions/http-error.js';

const RETRY_AFTER_SECONDS = 2;

/** Limits how many bytes of large answers are sent at the same time. */
export class AnswerBudget {
  readonly #maxBytes: number;
  #spentBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * Reserves the bytes of an answer until its pieces have been read, or their reader has stopped.
   *
   * @throws HttpError 503 when there is no room for it beside other answers
   */
  spend<Piece>(bytes: number, pieces: Iterable<Piece> | AsyncIterable<Piece>): AsyncIterable<Piece> {
    if (this.#spentBytes > 0 && this.#spentBytes + bytes > this.#maxBytes) {
      throw new HttpError(503, 'Too many large answers are being sent. Try again in a moment, or read in pages.', {
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
