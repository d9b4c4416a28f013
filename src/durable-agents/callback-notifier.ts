import type { AgentResponse, AgentResponseUpdate } from './agent.js';
import type { AgentCallbackContext, AgentResponseCallback } from './agent-response-callback.js';
import { errorText } from '../functions/error-text.js';
import type { AgentError } from './errors.js';
import type { Logger } from '../functions/logger.js';

const CALLBACK_TIMEOUT_MS = 30_000;

/**
 * Calls the callback of one run so that nothing it does can break the run: one call after another, also when the run
 * was ended in the middle of one. Methods are called with `?.` whatever their type says, as callbacks are also written
 * in JavaScript, where any of them may be missing.
 */
export class CallbackNotifier {
  readonly #callback: AgentResponseCallback | undefined;
  readonly #context: AgentCallbackContext;
  readonly #log: Logger;
  /** Of the latest call; never rejects. */
  #ended: Promise<void> = Promise.resolve();

  constructor(callback: AgentResponseCallback | undefined, context: AgentCallbackContext, log: Logger) {
    this.#callback = callback;
    this.#context = Object.freeze(context);
    this.#log = log;
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
    const { agentName, threadId, correlationId } = this.#context;
    this.#log.warn(`[${agentName}][${correlationId}] callback ${method} ${what} (thread ${threadId})`);
  }
}
