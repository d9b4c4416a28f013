import type { AgentResponseCallback } from '../../src/durable-agents/agent-response-callback.js';
import type { RecordingCallback } from '../../src/durable-agents/testing/recording-callback.js';

/** A callback that records its calls and runs `act` in each of them, to throw, delay, … */
export function actingCallback(
  recording: RecordingCallback,
  act: (method: keyof AgentResponseCallback) => void | Promise<void>,
): AgentResponseCallback {
  return {
    onAgentStart(context) {
      void recording.onAgentStart(context);
      return act('onAgentStart');
    },
    onStreamingResponseUpdate(update, context) {
      void recording.onStreamingResponseUpdate(update, context);
      return act('onStreamingResponseUpdate');
    },
    onAgentResponse(response, context) {
      void recording.onAgentResponse(response, context);
      return act('onAgentResponse');
    },
    onAgentError(error, context) {
      void recording.onAgentError(error, context);
      return act('onAgentError');
    },
  };
}
