/** How to retry a failed model call, if no reader has seen any of its output. */
export type AgentRecovery = 'retry' | 'retry-without-streaming';

export interface AgentErrorOptions {
  readonly cause?: unknown;
  /** `undefined` if a retry would fail in the same way, or could do harm. */
  readonly recovery?: AgentRecovery;
  /** Seconds after which a retry may succeed, for a caller's `Retry-After`. */
  readonly retryAfterSeconds?: number | undefined;
  /** Number of the thread's earlier turns that a second try left out. `undefined` if there was no second try. */
  readonly omittedTurnCount?: number | undefined;
}

/**
 * A run ended without an answer. `code` and `message` are shown to callers and stored in the thread and in events, so
 * they must never contain a key, an address or a stack. `cause` contains the provider's message, for the log.
 */
export class AgentError extends Error {
  /** Stable and in snake_case, for programs: `stream_stalled`, `rate_limited`, … */
  readonly code: string;
  readonly recovery: AgentRecovery | undefined;
  /** Seconds after which a retry may succeed; `undefined` if unknown. */
  readonly retryAfterSeconds: number | undefined;
  /** See {@link AgentErrorOptions}. */
  readonly omittedTurnCount: number | undefined;

  constructor(code: string, message: string, options: AgentErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.name = 'AgentError';
    this.code = code;
    this.recovery = options.recovery;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.omittedTurnCount = options.omittedTurnCount;
  }

  /** Returns a copy with another message or other options. */
  with({ message = this.message, ...changes }: AgentErrorOptions & { readonly message?: string }): AgentError {
    const { code, cause, recovery, retryAfterSeconds, omittedTurnCount } = this;
    const kept = { cause, ...(recovery && { recovery }), retryAfterSeconds, omittedTurnCount };
    return new AgentError(code, message, { ...kept, ...changes });
  }

  /** Returns an {@link AgentError} unchanged. Hides the message of any other error, which may reveal internals. */
  static from(error: unknown): AgentError {
    return error instanceof AgentError
      ? error
      : new AgentError('agent_error', 'The agent failed unexpectedly.', { cause: error });
  }
}

/** This version cannot read a thread's stored state, and leaves it unchanged. The message may be shown to callers. */
export class ThreadStateError extends Error {
  /** See {@link AgentError.code}. */
  readonly code = 'unreadable_thread_state';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ThreadStateError';
  }
}
