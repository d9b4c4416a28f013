import type { AgentResponse, AgentResponseUpdate } from '../agent.js';
import type { AgentCallbackContext, AgentResponseCallback } from '../agent-response-callback.js';
import type { AgentError } from '../errors.js';

/** A callback that records its calls in order. */
export class RecordingCallback implements AgentResponseCallback {
  /** The called methods, in order. */
  readonly calls: (keyof AgentResponseCallback)[] = [];
  readonly updates: AgentResponseUpdate[] = [];
  readonly responses: AgentResponse[] = [];
  readonly errors: AgentError[] = [];
  readonly contexts: AgentCallbackContext[] = [];

  async onAgentStart(context: AgentCallbackContext): Promise<void> {
    this.calls.push('onAgentStart');
    this.contexts.push(context);
  }

  async onStreamingResponseUpdate(update: AgentResponseUpdate, context: AgentCallbackContext): Promise<void> {
    this.calls.push('onStreamingResponseUpdate');
    this.contexts.push(context);
    this.updates.push(update);
  }

  async onAgentResponse(response: AgentResponse, context: AgentCallbackContext): Promise<void> {
    this.calls.push('onAgentResponse');
    this.contexts.push(context);
    this.responses.push(response);
  }

  async onAgentSuspended(context: AgentCallbackContext): Promise<void> {
    this.calls.push('onAgentSuspended');
    this.contexts.push(context);
  }

  async onAgentError(error: AgentError, context: AgentCallbackContext): Promise<void> {
    this.calls.push('onAgentError');
    this.contexts.push(context);
    this.errors.push(error);
  }
}
