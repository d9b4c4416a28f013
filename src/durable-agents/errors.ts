/** How a failed model call may be repeated, as long as none of its output was seen. */
export type AgentRecovery = 'retry' | 'retry-without-streaming';

export interface AgentErrorOptions {
  readonly cause?: unknown;
  /** `undefined` if a retry would fail in the same way, or could do harm. */
  readonly recovery?: AgentRecovery;
  /** When the same request may succeed, for a caller's `Retry-After`. */
  readonly retryAfterSeconds?: number | undefined;
  /** How many of the thread's earlier turns a second try was made without. `undefined` if there was none. */
  readonly omittedTurnCount?: number | undefined;
}

/**
 * A run that ended without an answer. `code` and `message` are shown to callers, stored in the thread and kept in
 * events, so they never hold a key, an address or a stack; what the provider said travels in `cause`, for the log.
 */
export class AgentError extends Error {
  /** Stable and in snake_case, for programs: `stream_stalled`, `rate_limited`, … */
  readonly code: string;
  readonly recovery: AgentRecovery | undefined;
  /** When the same request may succeed; `undefined` if the provider did not say. */
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

  /** A copy with another message, or other options. */
  with({ message = this.message, ...changes }: AgentErrorOptions & { readonly message?: string }): AgentError {
    const { code, cause, recovery, retryAfterSeconds, omittedTurnCount } = this;
    const kept = { cause, ...(recovery && { recovery }), retryAfterSeconds, omittedTurnCount };
    return new AgentError(code, message, { ...kept, ...changes });
  }

  /** Passes an {@link AgentError} through; hides the words of anything else, which may name internals. */
  static from(error: unknown): AgentError {
    return error instanceof AgentError
      ? error
      : new AgentError('agent_error', 'The agent failed unexpectedly.', { cause: error });
  }
}

/** A thread's stored state that this version cannot read. The state is not changed. The message may be shown to callers. */
export class ThreadStateError extends Error {
  /** As {@link AgentError.code}. */
  readonly code = 'unreadable_thread_state';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ThreadStateError';
  }
}
