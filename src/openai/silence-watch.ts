import { AgentError } from '../durable-agents/index.js';

/** After its finish reason a model has only usage, and the verdict of a delayed filter, left to send. */
const MAX_TAIL_MS = 10_000;

export interface SilenceLimits {
  /** How long the model may take until its first visible piece. */
  readonly firstTokenTimeoutMs: number;
  /** How long it may then send nothing at all. */
  readonly streamIdleTimeoutMs: number;
}

/**
 * Ends a model call that stays silent for too long. Only the time spent waiting for the model counts, and one timer at a
 * time watches it.
 */
export class SilenceWatch {
  readonly #controller = new AbortController();
  readonly #idleMs: number;
  #limitMs: number;
  #hasBegun = false;
  #isFinishing = false;
  /** Time waited since the last sign of life, but for the wait that is going on. */
  #waitedMs = 0;
  #waitingSince: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(limits: SilenceLimits) {
    this.#limitMs = limits.firstTokenTimeoutMs;
    this.#idleMs = limits.streamIdleTimeoutMs;
  }

  /** Aborted, with an AgentError `model_timeout` or `stream_stalled` as its reason, when the model was silent too long. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Settles as `answer` does; until then time counts as waiting for the model. */
  async during<T>(answer: Promise<T>): Promise<T> {
    this.#waitingSince = performance.now();
    this.#timer ??= setTimeout(this.#check, this.#limitMs - this.#waitedMs);
    try {
      return await answer;
    } finally {
      this.#waitedMs += performance.now() - this.#waitingSince;
      this.#waitingSince = undefined;
    }
  }

  /** Call this when the model sends anything, even a comment. Does not count until its answer has started. */
  heard(): void {
    if (this.#hasBegun) this.#waitedMs = 0;
  }

  /** Call this at the first visible piece. From then on the idle timeout applies. */
  begun(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    this.#restart(this.#idleMs);
  }

  /** The answer is complete but for what may follow its finish reason. */
  finishing(): void {
    if (this.#isFinishing) return;
    this.#hasBegun = true;
    this.#isFinishing = true;
    this.#restart(Math.min(this.#idleMs, MAX_TAIL_MS));
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #restart(limitMs: number): void {
    this.#limitMs = limitMs;
    this.#waitedMs = 0;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  readonly #check = (): void => {
    this.#timer = undefined;
    // The next wait restarts the timer.
    if (this.#waitingSince === undefined) return;
    const leftMs = this.#limitMs - this.#waitedMs - (performance.now() - this.#waitingSince);
    if (leftMs > 0) this.#timer = setTimeout(this.#check, Math.ceil(leftMs));
    else this.#controller.abort(this.#error());
  };

  #error(): AgentError {
    const seconds = this.#limitMs / 1000;
    return this.#hasBegun
      ? new AgentError('stream_stalled', `The model sent nothing for ${seconds} s in the middle of its answer.`)
      : new AgentError('model_timeout', `The model did not begin to answer within ${seconds} s.`);
  }
}
