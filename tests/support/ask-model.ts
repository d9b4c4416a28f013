import type { Agent, AgentRunOptions, AgentStreamPart } from '../../src/durable-agents/agent.js';
import type { ThreadMessage } from '../../src/durable-agents/thread/thread-state.js';
import { type AzureOpenAIClientOptions, createAzureOpenAIClient } from '../../src/openai/azure-openai-client.js';
import { type ChatCompletionAgentOptions, createChatCompletionAgent } from '../../src/openai/chat-completion-agent.js';
import { parseModelEndpoint } from '../../src/openai/model-endpoint.js';

export const API_KEY = 'secret-key-0123456789';

export interface ModelAccess extends Partial<Omit<AzureOpenAIClientOptions, 'endpoint'>> {
  /** As a user pastes it. */
  readonly endpoint: string;
  readonly apiVersion?: string;
  readonly agent?: Partial<ChatCompletionAgentOptions>;
  readonly streamIdleTimeoutMs?: number;
}

/** An agent over the model at this endpoint, as the app has it. */
export function chatAgent({
  endpoint,
  apiVersion,
  streamIdleTimeoutMs = 10_000,
  agent,
  ...client
}: ModelAccess): Agent {
  return createChatCompletionAgent({
    name: 'CallbackAgent',
    instructions: 'Be brief.',
    firstTokenTimeoutMs: 10_000,
    streamIdleTimeoutMs,
    ...agent,
    client: createAzureOpenAIClient({
      ...parseModelEndpoint(endpoint, apiVersion),
      deployment: 'gpt-4o',
      ...(client.credential === undefined && { apiKey: API_KEY }),
      ...client,
    }),
  });
}

export interface Question extends ModelAccess, Partial<AgentRunOptions> {}

const messages: ThreadMessage[] = [{ role: 'user', contents: [{ $type: 'text', text: 'Hi' }] }];

/** Says hello to the model, and gives what the agent makes of its answer. */
export function askModel(question: Question): AsyncIterable<AgentStreamPart> {
  const { signal = new AbortController().signal, streaming = true, ...access } = question;
  return chatAgent(access).run(messages, { signal, streaming });
}

/** All parts of the answer; rejects as the agent throws. */
export async function partsOf(question: Question): Promise<AgentStreamPart[]> {
  const parts: AgentStreamPart[] = [];
  for await (const part of askModel(question)) parts.push(part);
  return parts;
}
