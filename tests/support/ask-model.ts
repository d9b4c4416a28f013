import type { Agent } from '../../src/durable-agents/agent.js';
import { AgentError } from '../../src/durable-agents/errors.js';
import type { ChatModel, ModelPart, ModelRequest } from '../../src/durable-agents/tools/chat-model.js';
import type { ThreadMessage } from '../../src/durable-agents/thread/thread-state.js';
import { type AzureOpenAIClientOptions, createAzureOpenAIClient } from '../../src/openai/azure-openai-client.js';
import { type ChatCompletionAgentOptions, createChatCompletionAgent } from '../../src/openai/chat-completion-agent.js';
import { createChatCompletionModel } from '../../src/openai/chat-completion-model.js';
import { parseModelEndpoint } from '../../src/openai/model-endpoint.js';
import { type ModelReply, startModelServer } from './model-server.js';

export const API_KEY = 'secret-key-0123456789';

export interface ModelAccess extends Partial<Omit<AzureOpenAIClientOptions, 'endpoint'>> {
  /** The endpoint in the form that a user configures. */
  readonly endpoint: string;
  readonly apiVersion?: string;
  readonly agent?: Partial<ChatCompletionAgentOptions>;
  readonly streamIdleTimeoutMs?: number;
}

/** An agent with the model at this endpoint, configured like in the app. */
export function chatAgent(access: ModelAccess): Agent {
  return createChatCompletionAgent({ name: 'CallbackAgent', ...modelOptions(access) });
}

/** The model at this endpoint, configured like in the app. */
export function chatModel(access: ModelAccess): ChatModel {
  return createChatCompletionModel(modelOptions(access));
}

function modelOptions({ endpoint, apiVersion, streamIdleTimeoutMs = 10_000, agent, ...client }: ModelAccess) {
  return {
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
  };
}

export interface Question extends ModelAccess, Partial<ModelRequest> {}

const hello: ThreadMessage[] = [{ role: 'user', contents: [{ $type: 'text', text: 'Hi' }] }];

/** Sends "Hello" to the model and returns its parts. */
export function askModel(question: Question): AsyncIterable<ModelPart> {
  const { signal = new AbortController().signal, streaming = true, messages = hello, tools = [], ...rest } = question;
  const { responseSchema, ...access } = rest;
  return chatModel(access).ask({ messages, tools, responseSchema, signal, streaming });
}

/** All parts of the answer. Rejects like the model. */
export async function partsOf(question: Question): Promise<ModelPart[]> {
  const parts: ModelPart[] = [];
  for await (const part of askModel(question)) parts.push(part);
  return parts;
}

/** The error of a model that replies like this. */
export async function failureOf(reply: ModelReply, question: Partial<Question> = {}): Promise<AgentError> {
  const { endpoint } = await startModelServer(reply);
  try {
    await partsOf({ endpoint, ...question });
  } catch (error) {
    if (error instanceof AgentError) return error;
    throw error;
  }
  throw new Error('The model did not fail');
}
