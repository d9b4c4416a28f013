import { AgentError } from '../durable-agents/index.js';

/** Ends a model call that has stalled. Only the time spent waiting for the model counts. */
export class IdleTimer {
  readonly #controller = new AbortController();
  readonly #timeoutMs: number;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Aborted, with an {@link AgentError} `stream_stalled` as its reason, when the model was waited for too long. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Yields what `source` yields, with the timer running while the next piece is awaited. */
  async *watch<T>(source: AsyncIterable<T>): AsyncGenerator<T, void> {
    let timer = this.#start();
    try {
      for await (const piece of source) {
        clearTimeout(timer);
        yield piece;
        timer = this.#start();
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #start(): NodeJS.Timeout {
    return setTimeout(() => {
      const seconds = this.#timeoutMs / 1000;
      this.#controller.abort(
        new AgentError('stream_stalled', `The model sent nothing for ${seconds} s in the middle of its answer.`),
      );
    }, this.#timeoutMs);
  }
}
