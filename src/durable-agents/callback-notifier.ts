import type { AgentResponse, AgentResponseUpdate } from './agent.js';
import type { AgentCallbackContext, AgentResponseCallback } from './agent-response-callback.js';
import { errorText } from '../functions/error-text.js';
import type { AgentError } from './errors.js';
import type { Logger } from '../functions/logger.js';
import { Countdown } from '../functions/time-limits.js';
import type { RunRequest } from './run-request.js';

const CALLBACK_TIMEOUT_MS = 30_000;
const MAX_OUTCOME_MS = 5000;

type Method = keyof AgentResponseCallback;

/** The part of a run's time limit, at its end, in which the callback records how the run ended. */
export function outcomeTimeMs(timeoutMs: number): number {
  return Math.min(MAX_OUTCOME_MS, timeoutMs / 10);
}

/** One delivery of a run, and who watches it. */
export interface WatchedRun {
  /** Optional. */
  readonly callback: AgentResponseCallback | undefined;
  readonly agentName: string;
  readonly threadId: string;
  readonly request: RunRequest;
  /** See {@link AgentCallbackContext.attempt}. */
  readonly attempt: number;
  readonly log: Logger;
  /** Time limit of the whole run, which starts now. */
  readonly timeoutMs: number;
}

/**
 * Calls the callback of one run so that nothing it does can break the run. A synchronous callback costs no promise and
 * no timer. A returned promise is awaited for 30 seconds or until the run's time is up. Calls do not overlap unless one
 * is late.
 *
 * Every method is called with `?.` because callbacks in JavaScript may lack any of them.
 */
export class CallbackNotifier {
  readonly #callback: AgentResponseCallback | undefined;
  readonly #context: AgentCallbackContext;
  readonly #endsAtMs: number;
  /** When the last call is made at the latest. */
  readonly #lastCallAtMs: number;
  /** Limits the pending call; one for all calls of the run. */
  readonly #countdown = new Countdown(() => this.#giveUp());
  #giveUp = (): void => {};
  /** The pending call; never rejects. */
  #pending: Promise<void> | undefined;

  constructor({ callback, agentName, threadId, request, attempt, log, timeoutMs }: WatchedRun) {
    this.#callback = callback;
    this.#endsAtMs = performance.now() + timeoutMs;
    this.#lastCallAtMs = this.#endsAtMs - outcomeTimeMs(timeoutMs) / 2;
    this.#context = Object.freeze({
      agentName,
      correlationId: request.correlationId,
      sessionId: threadId,
      threadId,
      requestMessage: request.message,
      requestedAt: request.createdAt,
      attempt,
      log,
    });
  }

  start(): void | Promise<void> {
    return this.#call('onAgentStart', () => this.#callback?.onAgentStart?.(this.#context));
  }

  update(update: AgentResponseUpdate): void | Promise<void> {
    return this.#call('onStreamingResponseUpdate', () =>
      this.#callback?.onStreamingResponseUpdate?.(update, this.#context),
    );
  }

  /** The last call of an answered run. */
  response(response: AgentResponse): Promise<void> {
    return this.#callLast('onAgentResponse', () => this.#callback?.onAgentResponse?.(response, this.#context));
  }

  /** The last call of a failed run. */
  error(error: AgentError): Promise<void> {
    return this.#callLast('onAgentError', () => this.#callback?.onAgentError?.(error, this.#context));
  }

  async #callLast(method: Method, call: () => void | Promise<void>): Promise<void> {
    // The run may have ended in the middle of an update.
    await this.#pending;
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
        this.#warn(method, `took longer than ${Math.ceil(timeoutMs) / 1000} s; the run goes on without it`);
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
