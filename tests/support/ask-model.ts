import type { AgentRunOptions, AgentStreamPart } from '../../src/durable-agents/agent.js';
import type { ThreadMessage } from '../../src/durable-agents/thread-state.js';
import { type AzureOpenAIClientOptions, createAzureOpenAIClient } from '../../src/openai/azure-openai-client.js';
import { createChatCompletionAgent } from '../../src/openai/chat-completion-agent.js';

export const API_KEY = 'secret-key-0123456789';

export interface Question extends Partial<AzureOpenAIClientOptions>, Partial<AgentRunOptions> {
  readonly endpoint: string;
  readonly messages?: readonly ThreadMessage[];
  readonly streamIdleTimeoutMs?: number;
}

/** Asks the model as the app does, and gives what the agent makes of its answer. */
export async function* askModel(question: Question): AsyncGenerator<AgentStreamPart> {
  const {
    messages = [{ role: 'user', contents: [{ $type: 'text', text: 'Hi' }] }],
    streamIdleTimeoutMs = 10_000,
    signal = new AbortController().signal,
    streaming = true,
    ...client
  } = question;
  const hasCredential = client.credential !== undefined;
  const agent = createChatCompletionAgent({
    name: 'CallbackAgent',
    instructions: 'Be brief.',
    deployment: 'gpt-4o',
    streamIdleTimeoutMs,
    client: createAzureOpenAIClient({
      apiVersion: '2024-10-21',
      timeoutMs: 10_000,
      ...(!hasCredential && { apiKey: API_KEY }),
      ...client,
    }),
  });
  yield* agent.run(messages, { signal, streaming });
}

/** All parts of the answer; rejects as the agent throws. */
export async function partsOf(question: Question): Promise<AgentStreamPart[]> {
  const parts: AgentStreamPart[] = [];
  for await (const part of askModel(question)) parts.push(part);
  return parts;
}
