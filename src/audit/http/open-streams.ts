import { HttpError } from '../../functions/http-error.js';
import type { EventThread } from '../domain/event-thread.js';
import { threadKey } from '../domain/event-thread.js';

const RETRY_AFTER_SECONDS = 5;

export interface OpenStreamLimits {
  readonly maxOpen: number;
  readonly maxOpenPerThread: number;
  /** After it a stream counts as closed even if nobody said so: a host does not tell when a reader has left. */
  readonly maxDurationMs: number;
}

/** Counts the streams that are open in this process. */
export class OpenStreams {
  readonly #limits: OpenStreamLimits;
  readonly #openPerThread = new Map<string, number>();
  #open = 0;

  constructor(limits: OpenStreamLimits) {
    this.#limits = limits;
  }

  /**
   * Makes room for one more stream.
   *
   * @returns what to call when it has ended; calling it again does nothing
   * @throws HttpError 503 with `Retry-After` when there are too many
   */
  open(thread: EventThread): () => void {
    const { maxOpen, maxOpenPerThread, maxDurationMs } = this.#limits;
    const key = threadKey(thread);
    const openOfThread = this.#openPerThread.get(key) ?? 0;
    if (this.#open >= maxOpen || openOfThread >= maxOpenPerThread) {
      const limit = this.#open >= maxOpen ? `${maxOpen} in this process` : `${maxOpenPerThread} of one thread`;
      throw new HttpError(503, `Too many open streams: at most ${limit}.`, { retryAfterSeconds: RETRY_AFTER_SECONDS });
    }
    this.#open += 1;
    this.#openPerThread.set(key, openOfThread + 1);
    let isOpen = true;
    const close = (): void => {
      if (!isOpen) return;
      isOpen = false;
      clearTimeout(timer);
      this.#open -= 1;
      const others = (this.#openPerThread.get(key) ?? 1) - 1;
      if (others === 0) this.#openPerThread.delete(key);
      else this.#openPerThread.set(key, others);
    };
    const timer = setTimeout(close, maxDurationMs + 1000).unref();
    return close;
  }
}
