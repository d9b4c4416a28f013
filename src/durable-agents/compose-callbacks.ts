import type { AgentResponseCallback } from './agent-response-callback.js';

/**
 * Combines several callbacks into one that passes each call to all of them, in order. They are isolated from each
 * other: all are called even if some throw, and none waits for another's promise. A call ends when all have ended.
 * Their errors are logged as for a single callback.
 */
export function composeCallbacks(...callbacks: readonly AgentResponseCallback[]): AgentResponseCallback {
  const callAll = (call: (callback: AgentResponseCallback) => void | Promise<void>): void | Promise<void> => {
    const errors: unknown[] = [];
    const pending: Promise<void>[] = [];
    for (const callback of callbacks) {
      try {
        const result = call(callback);
        if (result !== undefined) pending.push(result);
      } catch (error) {
        errors.push(error);
      }
    }
    if (pending.length === 0) return throwAll(errors);
    return settleAll(pending, errors);
  };
  return {
    onAgentStart: (context) => callAll((callback) => callback.onAgentStart?.(context)),
    onStreamingResponseUpdate: (update, context) =>
      callAll((callback) => callback.onStreamingResponseUpdate?.(update, context)),
    onAgentResponse: (response, context) => callAll((callback) => callback.onAgentResponse?.(response, context)),
    onAgentSuspended: (context) => callAll((callback) => callback.onAgentSuspended?.(context)),
    onAgentError: (error, context) => callAll((callback) => callback.onAgentError?.(error, context)),
  };
}

async function settleAll(pending: readonly Promise<void>[], errors: readonly unknown[]): Promise<void> {
  const results = await Promise.allSettled(pending);
  throwAll([...errors, ...results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []))]);
}

function throwAll(errors: readonly unknown[]): void {
  if (errors.length > 1) throw new AggregateError(errors, `${errors.length} callbacks failed`);
  if (errors.length === 1) throw errors[0];
}
