import type { z } from 'zod';
import { type Agent, createModelAgent, type ModelAgentOptions, type StructuredAgent } from '../durable-agents/index.js';
import { type ChatCompletionModelOptions, createChatCompletionModel } from './chat-completion-model.js';

export interface ChatCompletionAgentOptions
  extends ChatCompletionModelOptions, Pick<ModelAgentOptions, 'name' | 'tools' | 'maxToolRounds' | 'responseSchema'> {}

/** Creates an agent that uses the chat completions of Azure OpenAI. */
export function createChatCompletionAgent<Answer>(
  options: ChatCompletionAgentOptions & { readonly responseSchema: z.ZodType<Answer> },
): StructuredAgent<Answer>;
export function createChatCompletionAgent(options: ChatCompletionAgentOptions): Agent;
export function createChatCompletionAgent(options: ChatCompletionAgentOptions): Agent {
  return createModelAgent({ ...options, model: createChatCompletionModel(options) });
}
