import { AgentError } from '../durable-agents/index.js';

/** Time limit after the finish reason, when only usage and the verdict of a delayed filter can follow. */
const MAX_TAIL_MS = 10_000;

export interface SilenceLimits {
  /** How long the model may take until its first text, reasoning or tool call. */
  readonly firstTokenTimeoutMs: number;
  /** How long it may then send nothing at all. */
  readonly streamIdleTimeoutMs: number;
}

/**
 * Aborts a model call that is silent for too long. Counts only the time spent waiting for the model. Uses one timer at
 * a time.
 */
export class SilenceWatch {
  readonly #controller = new AbortController();
  readonly #idleMs: number;
  #limitMs: number;
  #hasBegun = false;
  #isFinishing = false;
  /** Time waited since the model last sent anything, without the current wait. */
  #waitedMs = 0;
  #waitingSince: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(limits: SilenceLimits) {
    this.#limitMs = limits.firstTokenTimeoutMs;
    this.#idleMs = limits.streamIdleTimeoutMs;
  }

  /** Aborted if the model is silent for too long. The reason is an AgentError `model_timeout` or `stream_stalled`. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Settles like `answer`. Until then, time counts as waiting for the model. */
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

  /** Call when the model sends anything, even a comment. Has no effect before the answer begins and after its end. */
  heard(): void {
    if (this.#hasBegun && !this.#isFinishing) this.#waitedMs = 0;
  }

  /** Call at the first text, reasoning or tool call. From then on, the idle timeout applies. */
  begun(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    this.#restart(this.#idleMs);
  }

  /** Call at the finish reason. From then on, the limit for usage and filter verdicts applies. */
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
