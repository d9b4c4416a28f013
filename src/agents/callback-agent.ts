import type { AzureOpenAI } from 'openai';
import type { Agent } from '../durable-agents/index.js';
import { createChatCompletionAgent } from '../openai/chat-completion-agent.js';

const INSTRUCTIONS = [
  'You are a friendly assistant that narrates its actions while responding.',
  'Keep your answers concise.',
  'Acknowledge it when callbacks capture your streaming updates.',
].join(' ');

export interface CallbackAgentOptions {
  readonly client: AzureOpenAI;
  readonly deployment: string;
  readonly streamIdleTimeoutMs: number;
}

/** The agent of the sample: it has no tools, and tells what it does. */
export function createCallbackAgent(options: CallbackAgentOptions): Agent {
  return createChatCompletionAgent({ name: 'CallbackAgent', instructions: INSTRUCTIONS, ...options });
}
