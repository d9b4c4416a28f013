import { type Agent, createModelAgent, type ModelAgentOptions } from '../durable-agents/index.js';
import { type ChatCompletionModelOptions, createChatCompletionModel } from './chat-completion-model.js';

export interface ChatCompletionAgentOptions
  extends ChatCompletionModelOptions, Pick<ModelAgentOptions, 'name' | 'tools' | 'maxToolRounds'> {}

/** Creates an agent over the chat completions of Azure OpenAI. */
export function createChatCompletionAgent(options: ChatCompletionAgentOptions): Agent {
  const { name, tools, maxToolRounds } = options;
  return createModelAgent({
    name,
    model: createChatCompletionModel(options),
    ...(tools !== undefined && { tools }),
    ...(maxToolRounds !== undefined && { maxToolRounds }),
  });
}
