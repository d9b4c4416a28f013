import type { AgentResponse, AgentResponseUpdate } from './agent.js';
import type { Logger } from '../functions/logger.js';
import type { AgentError } from './errors.js';

/** The run that a callback watches. Frozen, and the same object for all calls of one delivery of the run. */
export interface AgentCallbackContext {
  readonly agentName: string;
  /** The run: 32 lower-case hex digits. */
  readonly correlationId: string;
  readonly sessionId: string;
  /** The same as `sessionId`. */
  readonly threadId: string;
  /** The message that started the run, as it was sent. */
  readonly requestMessage: string;
  /** When the request was accepted: ISO 8601 in UTC. The caller's wait starts here. */
  readonly requestedAt: string;
  /** Which delivery of the run this is: 1 for the first, as far as the host or the event store has counted them. */
  readonly attempt: number;
  /** Whether the run goes on after it has waited: its earlier updates are not repeated. @default false */
  readonly isResumed?: boolean;
  /** The log of the invocation that runs the agent. */
  readonly log: Logger;
}

/**
 * Watches the runs of an agent, inside the durable entity and before its state is saved.
 *
 * Calls of one run come one after another: each is awaited, for 30 seconds at the most, before the model is asked for
 * more. What a callback throws is logged as a warning and changes nothing else. After a crash a run may be delivered
 * again, and its calls with it, under the same correlation id, beginning with `onAgentStart`.
 */
export interface AgentResponseCallback {
  /**
   * Called once for each delivery of a run, before the agent is asked. Not called when a run is delivered again that
   * was answered or has failed already, nor for one whose thread can't be read: that has `onAgentError` alone.
   */
  onAgentStart?(context: AgentCallbackContext): void | Promise<void>;
  /** Called once for each update, in order. */
  onStreamingResponseUpdate(update: AgentResponseUpdate, context: AgentCallbackContext): void | Promise<void>;
  /** Called once for a run that was answered, after its updates. */
  onAgentResponse(response: AgentResponse, context: AgentCallbackContext): void | Promise<void>;
  /**
   * Called when a run begins to wait for the approval of tool calls, in place of `onAgentResponse`. It goes on with another
   * context, whose `isResumed` is true; an update with the decision comes with a context of its own.
   */
  onAgentSuspended?(context: AgentCallbackContext): void | Promise<void>;
  /** Called once for a run that failed, after what updates it had. */
  onAgentError?(error: AgentError, context: AgentCallbackContext): void | Promise<void>;
}
