import type { AgentResponse, AgentResponseUpdate } from './agent.js';
import type { AgentCallbackContext, AgentResponseCallback } from './agent-response-callback.js';
import { errorText } from '../functions/error-text.js';
import type { AgentError } from './errors.js';
import type { Logger } from '../functions/logger.js';
import type { RunRequest } from './run-request.js';

const CALLBACK_TIMEOUT_MS = 30_000;

/** One delivery of a run, and who watches it. */
export interface WatchedRun {
  /** Optional. */
  readonly callback: AgentResponseCallback | undefined;
  readonly agentName: string;
  readonly threadId: string;
  readonly request: RunRequest;
  readonly log: Logger;
}

/**
 * Calls the callback of one run so that nothing it does can break the run. Calls never overlap, even when the run ends
 * in the middle of one. Every method is called with `?.` because callbacks in JavaScript may lack any of them.
 */
export class CallbackNotifier {
  readonly #callback: AgentResponseCallback | undefined;
  readonly #context: AgentCallbackContext;
  /** Of the latest call; never rejects. */
  #ended: Promise<void> = Promise.resolve();

  constructor({ callback, agentName, threadId, request, log }: WatchedRun) {
    this.#callback = callback;
    this.#context = Object.freeze({
      agentName,
      correlationId: request.correlationId,
      sessionId: threadId,
      threadId,
      requestMessage: request.message,
      requestedAt: request.createdAt,
      log,
    });
  }

  start(): Promise<void> {
    return this.#guard('onAgentStart', () => this.#callback?.onAgentStart?.(this.#context));
  }

  update(update: AgentResponseUpdate): Promise<void> {
    return this.#guard('onStreamingResponseUpdate', () =>
      this.#callback?.onStreamingResponseUpdate?.(update, this.#context),
    );
  }

  response(response: AgentResponse): Promise<void> {
    return this.#guard('onAgentResponse', () => this.#callback?.onAgentResponse?.(response, this.#context));
  }

  error(error: AgentError): Promise<void> {
    return this.#guard('onAgentError', () => this.#callback?.onAgentError?.(error, this.#context));
  }

  #guard(method: keyof AgentResponseCallback, call: () => void | Promise<void>): Promise<void> {
    this.#ended = this.#ended.then(() => this.#callInTime(method, call));
    return this.#ended;
  }

  async #callInTime(method: keyof AgentResponseCallback, call: () => void | Promise<void>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    try {
      const result = call();
      if (result === undefined) return;
      const timeout = new Promise<'late'>((resolve) => {
        timer = setTimeout(resolve, CALLBACK_TIMEOUT_MS, 'late');
      });
      if ((await Promise.race([result, timeout])) === 'late') {
        this.#warn(method, `took longer than ${CALLBACK_TIMEOUT_MS / 1000} s; the run goes on without it`);
        result.catch((error: unknown) => this.#warn(method, `threw after that: ${errorText(error)}`));
      }
    } catch (error) {
      this.#warn(method, `threw: ${errorText(error)}`);
    } finally {
      clearTimeout(timer);
    }
  }

  #warn(method: string, what: string): void {
    const { agentName, threadId, correlationId, log } = this.#context;
    log.warn(`[${agentName}][${correlationId}] callback ${method} ${what} (thread ${threadId})`);
  }
}
