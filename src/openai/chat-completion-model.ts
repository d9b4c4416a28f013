import { APIError } from 'openai';
import {
  AgentError,
  type AgentModel,
  type ChatModel,
  type ModelPart,
  type ModelRequest,
} from '../durable-agents/index.js';
import { raceAbort } from '../functions/time-limits.js';
import { AnswerReader } from './answer-reader.js';
import type { AzureOpenAIClient } from './azure-openai-client.js';
import { toChatMessages, toChatTools, toResponseFormat } from './chat-messages.js';
import { toAgentError } from './model-error.js';
import { isStreamOptionsRefused, readModelFailure } from './model-failure.js';
import { SilenceWatch } from './silence-watch.js';

/** Request parameters besides the conversation. `undefined` values are not sent. */
export interface ModelParameters {
  /** Sent as `reasoning_effort`. */
  readonly reasoningEffort?: string | undefined;
  /** Sent as `max_completion_tokens`, which includes reasoning. */
  readonly maxOutputTokens?: number | undefined;
  /** 0 to 2. Reasoning models refuse it. */
  readonly temperature?: number | undefined;
}

export interface ChatCompletionModelOptions {
  /** Precedes every conversation. Never stored. */
  readonly instructions: string;
  readonly client: AzureOpenAIClient;
  readonly parameters?: ModelParameters;
  /** How long the model may take until its first text, reasoning or tool call. @default 180,000 */
  readonly firstTokenTimeoutMs?: number;
  /** How long it may then stay silent. @default 60,000 */
  readonly streamIdleTimeoutMs?: number;
  /** Maximum size of the answer, in bytes of UTF-8, including reasoning. @default 4 MiB */
  readonly maxAnswerBytes?: number;
  /** False keeps the model's error messages out of the log, because they may quote the conversation. @default true */
  readonly quotesErrors?: boolean;
}

/** Creates a model that uses the chat completions of Azure OpenAI. */
export function createChatCompletionModel(options: ChatCompletionModelOptions): ChatModel {
  const { client, maxAnswerBytes = 4 * 1024 * 1024 } = options;
  const { firstTokenTimeoutMs = 180_000, streamIdleTimeoutMs = 60_000, quotesErrors = true } = options;
  const quoting = { quotesErrors, redact: client.redact };
  const post = createPost(options);

  const server = new URL(client.sdk.baseURL);
  const info: AgentModel = {
    name: client.deployment,
    provider: 'azure.ai.openai',
    serverAddress: server.hostname,
    serverPort: Number(server.port || (server.protocol === 'https:' ? 443 : 80)),
  };

  async function* ask(request: ModelRequest): AsyncGenerator<ModelPart> {
    const { messages, responseSchema, signal, streaming, trace } = request;
    const silence = new SilenceWatch({ firstTokenTimeoutMs, streamIdleTimeoutMs });
    const { instructions, parameters = {} } = options;
    const outputType = responseSchema === undefined ? 'text' : 'json';
    const asked = { model: info, streaming, instructions, messages, parameters, outputType } as const;
    const call = trace?.startModelCall(asked);
    const aborted = AbortSignal.any([signal, silence.signal]);
    let reader: AnswerReader | undefined;
    try {
      const response = await silence.during(raceAbort(post(request, aborted), aborted));
      reader = new AnswerReader(response, { maxAnswerBytes, quoting, silence, streaming });
      for (;;) {
        const parts = await reader.read();
        if (parts === undefined) break;
        for (const part of parts) {
          call?.chunk(part);
          yield part;
        }
      }
      const { calls, finish } = reader.finish();
      const { id, model } = reader.source;
      const finishReason = calls.length > 0 ? 'tool_call' : finish.finishReason;
      call?.answered({ id, model, finishReason, calls, usage: finish.usage });
      yield* calls;
      yield finish;
    } catch (error) {
      const reason: unknown = silence.signal.aborted ? silence.signal.reason : toAgentError(error, quoting);
      const failure = signal.aborted ? abortError(signal) : AgentError.from(reason);
      call?.failed(failure);
      throw failure;
    } finally {
      // The reader of an abandoned stream ends it here.
      call?.failed(abortError(signal));
      silence.stop();
      reader?.release();
    }
  }
  return { info, ask };
}

/** Sends a request to the model. Resolves when the response headers have arrived. */
type Post = (request: ModelRequest, signal: AbortSignal) => Promise<Response>;

function createPost({ client, instructions, parameters = {} }: ChatCompletionModelOptions): Post {
  const { reasoningEffort, maxOutputTokens, temperature } = parameters;
  const settings = {
    ...(reasoningEffort !== undefined && { reasoning_effort: reasoningEffort }),
    ...(maxOutputTokens !== undefined && { max_completion_tokens: maxOutputTokens }),
    ...(temperature !== undefined && { temperature }),
  };
  /** Whether to ask for usage. False once the endpoint has refused to report it. */
  let asksForUsage = true;

  return async ({ messages, tools, responseSchema, streaming }, signal) => {
    const body = {
      model: client.deployment,
      messages: toChatMessages(instructions, messages),
      ...(tools.length > 0 && { tools: toChatTools(tools) }),
      ...(responseSchema && { response_format: toResponseFormat(responseSchema) }),
      ...settings,
    };
    const send = (streamMembers: object): Promise<Response> =>
      client.sdk.post('/chat/completions', { body: { ...body, ...streamMembers }, signal }).asResponse();
    if (!streaming) return send({});
    if (!asksForUsage) return send({ stream: true });
    try {
      return await send({ stream: true, stream_options: { include_usage: true } });
    } catch (error) {
      if (!(error instanceof APIError)) throw error;
      if (!isStreamOptionsRefused(readModelFailure(error.error, error.status))) throw error;
      const response = await send({ stream: true });
      asksForUsage = false;
      return response;
    }
  };
}

function abortError(signal: AbortSignal): AgentError {
  return signal.reason instanceof AgentError
    ? signal.reason
    : new AgentError('run_aborted', 'The run was aborted before the model had answered.', { cause: signal.reason });
}
