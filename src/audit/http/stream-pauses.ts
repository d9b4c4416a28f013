import { pause } from '../../functions/time-limits.js';

const HEARTBEAT_MS = 15_000;
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 2000;
/** So long after the end of what is followed is looked for what is missing. */
const REST_MS = 500;
const REST_PAUSE_MS = 50;

/** How long a stream waits before it reads again. */
export class StreamPauses {
  readonly #deadline: number;
  readonly #ended: AbortSignal | undefined;
  #wait: Wait;
  #retryMs = FIRST_RETRY_MS;
  #endedAt = Infinity;

  /** @param ended aborted when what the stream follows has ended: it wakes whoever waits */
  constructor(maxDurationMs: number, ended: AbortSignal | undefined) {
    this.#deadline = performance.now() + maxDurationMs;
    this.#ended = ended;
    this.#wait = startWait(this.#deadline, ended);
    const noteEnd = (): void => void (this.#endedAt = performance.now());
    if (ended?.aborted) noteEnd();
    else ended?.addEventListener('abort', noteEnd, { once: true });
  }

  /** The stream has taken as long as it may. */
  get isOver(): boolean {
    return performance.now() >= this.#deadline;
  }

  /**
   * Waits for something to read, for as long as a stream may be silent.
   *
   * @returns whether it was silent for so long
   */
  async forChange(waitForChange: (signal: AbortSignal) => Promise<unknown>): Promise<boolean> {
    this.#retryMs = FIRST_RETRY_MS;
    await waitForChange(this.#wait.signal);
    if (!this.#wait.signal.aborted || this.#ended?.aborted) return false;
    this.#startWait();
    return true;
  }

  /** Waits for a store that is out of reach, each time for longer, up to two seconds. */
  async forStore(): Promise<void> {
    this.#startWait();
    await pause(this.#retryMs, this.#wait.signal);
    this.#retryMs = Math.min(this.#retryMs * 2, MAX_RETRY_MS);
  }

  /** Waits for what is still missing after the end. @returns false, at once, when the end is too long ago */
  async forRest(): Promise<boolean> {
    if (performance.now() - this.#endedAt >= REST_MS) return false;
    await pause(REST_PAUSE_MS);
    return true;
  }

  /** Leaves no timer behind. */
  end(): void {
    this.#wait.end();
  }

  #startWait(): void {
    this.#wait.end();
    this.#wait = startWait(this.#deadline, this.#ended);
  }
}

interface Wait {
  /** Aborted when it is time for a heartbeat, at the deadline, and with the stream's own signal. */
  readonly signal: AbortSignal;
  readonly end: () => void;
}

/**
 * One serves for many changes: a signal for each would be what a stream costs most.
 *
 * Not by `AbortSignal.any` and `AbortSignal.timeout`: Node 20 may collect the timeout as garbage before it is over.
 */
function startWait(deadline: number, ended: AbortSignal | undefined): Wait {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  const waitMs = Math.min(HEARTBEAT_MS, deadline - performance.now());
  const timer = setTimeout(abort, Math.max(0, Math.ceil(waitMs)));
  ended?.addEventListener('abort', abort);
  if (ended?.aborted) abort();
  return {
    signal: controller.signal,
    end: () => {
      clearTimeout(timer);
      ended?.removeEventListener('abort', abort);
    },
  };
}
