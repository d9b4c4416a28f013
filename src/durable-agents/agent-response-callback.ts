import type { AgentResponse, AgentResponseUpdate } from './agent.js';
import type { Logger } from '../functions/logger.js';
import type { AgentError } from './errors.js';

/** The run that a callback observes. Frozen. All calls of one delivery get the same object. */
export interface AgentCallbackContext {
  readonly agentName: string;
  /** The run: 32 lower-case hex digits. */
  readonly correlationId: string;
  readonly sessionId: string;
  /** The same as `sessionId`. */
  readonly threadId: string;
  /** The message that started the run, as sent. */
  readonly requestMessage: string;
  /** When the request was accepted: ISO 8601 in UTC. The caller's wait starts here. */
  readonly requestedAt: string;
  /** Number of the delivery, from 1, as counted by the host or the event store. */
  readonly attempt: number;
  /** Whether the run continues after a wait. Its earlier updates are not repeated. @default false */
  readonly isResumed?: boolean;
  /** The log of the invocation that runs the agent. */
  readonly log: Logger;
}

/**
 * Observes the runs of an agent, inside the durable entity and before its state is saved.
 *
 * Calls of one run come one after another. Each is awaited, for at most 30 seconds, before the model is asked for more.
 * An error in a callback is logged as a warning and has no other effect. After a crash, a run may be delivered again:
 * its calls then start over with `onAgentStart` and the same correlation id.
 */
export interface AgentResponseCallback {
  /**
   * Called once for each delivery of a run, before the agent is asked. Not called if the run has already completed or
   * failed. If its thread cannot be read, only `onAgentError` is called.
   */
  onAgentStart?(context: AgentCallbackContext): void | Promise<void>;
  /** Called once for each update, in order. */
  onStreamingResponseUpdate(update: AgentResponseUpdate, context: AgentCallbackContext): void | Promise<void>;
  /** Called once for a completed run, after its updates. */
  onAgentResponse(response: AgentResponse, context: AgentCallbackContext): void | Promise<void>;
  /**
   * Called instead of `onAgentResponse` when a run begins to wait for approval of tool calls. The run continues with
   * another context, whose `isResumed` is true. The update with the decision has its own context.
   */
  onAgentSuspended?(context: AgentCallbackContext): void | Promise<void>;
  /** Called once for a failed run, after its updates, if any. */
  onAgentError?(error: AgentError, context: AgentCallbackContext): void | Promise<void>;
}
