import type { Agent } from '../durable-agents/index.js';
import { type ChatCompletionAgentOptions, createChatCompletionAgent } from '../openai/chat-completion-agent.js';

const INSTRUCTIONS = [
  'You are a friendly assistant that narrates its actions while responding.',
  'Keep your answers concise.',
  'Acknowledge it when callbacks capture your streaming updates.',
].join(' ');

/** Creates an agent without tools that narrates its actions. */
export function createCallbackAgent(model: Omit<ChatCompletionAgentOptions, 'name' | 'instructions'>): Agent {
  return createChatCompletionAgent({ ...model, name: 'CallbackAgent', instructions: INSTRUCTIONS });
}
