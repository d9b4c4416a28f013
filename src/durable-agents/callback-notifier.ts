import type { AgentResponse, AgentResponseUpdate } from './agent.js';
import type { AgentCallbackContext, AgentResponseCallback } from './agent-response-callback.js';
import { deepFreeze } from './deep-freeze.js';
import { errorText } from '../functions/error-text.js';
import type { AgentError } from './errors.js';
import type { Logger } from '../functions/logger.js';
import { Countdown } from '../functions/time-limits.js';
import type { RunRedaction } from './redaction/run-redaction.js';
import type { RunRequest } from './run-request.js';

const CALLBACK_TIMEOUT_MS = 30_000;
const MAX_OUTCOME_MS = 5000;

type Method = keyof AgentResponseCallback;

/** Returns the time at the end of a run's time limit that is reserved for the callback to record the outcome. */
export function outcomeTimeMs(timeoutMs: number): number {
  return Math.min(MAX_OUTCOME_MS, timeoutMs / 10);
}

/** One delivery of a run, and its callback. */
export interface WatchedRun {
  /** Optional. */
  readonly callback: AgentResponseCallback | undefined;
  readonly agentName: string;
  readonly threadId: string;
  readonly request: RunRequest;
  /** See {@link AgentCallbackContext.attempt}. */
  readonly attempt: number;
  /** See {@link AgentCallbackContext.isResumed}. @default false */
  readonly isResumed?: boolean | undefined;
  readonly log: Logger;
  /** Redacts the callback's input. Optional. */
  readonly redaction?: RunRedaction | undefined;
  /** Time limit of the whole run, which starts now. */
  readonly timeoutMs: number;
  readonly now?: () => Date;
}

/**
 * Calls the callback of one run, and isolates the run from its errors. A synchronous callback costs no promise and no
 * timer. A returned promise is awaited for at most 30 seconds, or until the run's deadline. Calls do not overlap unless
 * one times out.
 *
 * Every method is called with `?.` because callbacks in JavaScript may lack any of them.
 */
export class CallbackNotifier {
  readonly #callback: AgentResponseCallback | undefined;
  readonly #context: AgentCallbackContext;
  readonly #redaction: RunRedaction | undefined;
  readonly #endsAtMs: number;
  /** Latest time of the last call. */
  readonly #lastCallAtMs: number;
  readonly #now: () => Date;
  #firstUpdateAt: string | undefined;
  /** Time limit of the pending call. One countdown for all calls of the run. */
  readonly #countdown = new Countdown(() => this.#giveUp());
  #giveUp = (): void => {};
  /** The pending call; never rejects. */
  #pending: Promise<void> | undefined;

  constructor(run: WatchedRun) {
    const { callback, agentName, threadId, request, attempt, isResumed = false, log, redaction, timeoutMs } = run;
    this.#callback = callback;
    this.#now = run.now ?? (() => new Date());
    this.#redaction = redaction;
    this.#endsAtMs = performance.now() + timeoutMs;
    this.#lastCallAtMs = this.#endsAtMs - outcomeTimeMs(timeoutMs) / 2;
    this.#context = Object.freeze({
      agentName,
      correlationId: request.correlationId,
      sessionId: threadId,
      threadId,
      requestMessage: redaction?.text(request.message) ?? request.message,
      requestedAt: request.createdAt,
      attempt,
      isResumed,
      log,
    });
  }

  /** When the callback got its first update: ISO 8601 in UTC. Undefined before that. */
  get firstUpdateAt(): string | undefined {
    return this.#firstUpdateAt;
  }

  start(): void | Promise<void> {
    return this.#call('onAgentStart', () => this.#callback?.onAgentStart?.(this.#context));
  }

  update(update: AgentResponseUpdate): void | Promise<void> {
    return this.#redaction === undefined ? this.#update(update) : this.#updateAll(this.#redaction.push(update));
  }

  /**
   * Makes the last call of a completed run.
   *
   * @returns the answer as the callback gets it: redacted, and frozen so that callbacks cannot affect each other
   */
  async response(response: AgentResponse): Promise<AgentResponse> {
    await this.#endUpdates();
    const shown = deepFreeze(this.#redaction?.response(response) ?? structuredClone(response));
    await this.#callLast('onAgentResponse', () => this.#callback?.onAgentResponse?.(shown, this.#context));
    return shown;
  }

  /** Makes the last call of a delivery that ends in a wait. */
  async suspended(): Promise<void> {
    await this.#endUpdates();
    await this.#callLast('onAgentSuspended', () => this.#callback?.onAgentSuspended?.(this.#context));
  }

  /**
   * Makes the last call of a failed run.
   *
   * @param error - must already be redacted
   */
  async error(error: AgentError): Promise<void> {
    await this.#endUpdates();
    await this.#callLast('onAgentError', () => this.#callback?.onAgentError?.(error, this.#context));
  }

  #update(update: AgentResponseUpdate): void | Promise<void> {
    this.#firstUpdateAt ??= this.#now().toISOString();
    return this.#call('onStreamingResponseUpdate', () =>
      this.#callback?.onStreamingResponseUpdate?.(update, this.#context),
    );
  }

  #updateAll(updates: readonly AgentResponseUpdate[]): void | Promise<void> {
    let pending: void | Promise<void> = undefined;
    for (const update of updates) {
      pending = pending === undefined ? this.#update(update) : pending.then(() => this.#update(update));
    }
    return pending;
  }

  /** Flushes held-back text. The run may have ended in the middle of an update. */
  async #endUpdates(): Promise<void> {
    await this.#pending;
    if (this.#redaction !== undefined) await this.#updateAll(this.#redaction.end());
  }

  async #callLast(method: Method, call: () => void | Promise<void>): Promise<void> {
    await this.#call(method, call, this.#endsAtMs);
    this.#countdown.close();
  }

  #call(method: Method, call: () => void | Promise<void>, untilMs = this.#lastCallAtMs): void | Promise<void> {
    try {
      const result: unknown = call();
      if (isPromiseLike(result)) return this.#wait(method, result, untilMs);
    } catch (error) {
      this.#warn(method, `threw: ${errorText(error)}`);
    }
    return undefined;
  }

  #wait(method: Method, result: PromiseLike<unknown>, untilMs: number): Promise<void> {
    const timeoutMs = Math.min(CALLBACK_TIMEOUT_MS, Math.max(0, untilMs - performance.now()));
    this.#pending = new Promise<void>((resolve) => {
      let isLate = false;
      const settle = (): void => {
        if (isLate) return;
        this.#countdown.stop();
        this.#pending = undefined;
        resolve();
      };
      this.#giveUp = () => {
        this.#warn(method, `took longer than ${Math.ceil(timeoutMs) / 1000} s; the run continues without it`);
        settle();
        isLate = true;
      };
      this.#countdown.start(timeoutMs);
      result.then(settle, (error: unknown) => {
        this.#warn(method, `threw${isLate ? ' after that' : ''}: ${errorText(error)}`);
        settle();
      });
    });
    return this.#pending;
  }

  #warn(method: Method, what: string): void {
    const { agentName, threadId, correlationId, log } = this.#context;
    log.warn(`[${agentName}][${correlationId}] callback ${method} ${what} (thread ${threadId})`);
  }
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
