import type { OpenAI } from 'openai';
import {
  type Agent,
  AgentError,
  type AgentFinishReason,
  type AgentRunOptions,
  type AgentStreamPart,
  type AgentUsage,
  type ThreadMessage,
} from '../durable-agents/index.js';
import { toChatMessages } from './chat-messages.js';
import { IdleTimer } from './idle-timer.js';
import { chunkSchema, completionSchema, type ModelUsage, type VisibleContent } from './model-answer.js';
import { contentFilterError, toAgentError } from './model-error.js';

export interface ChatCompletionAgentOptions {
  readonly name: string;
  /** Put before every conversation, and never stored. */
  readonly instructions: string;
  readonly client: OpenAI;
  readonly deployment: string;
  /** How long the model may stay silent in the middle of its answer. */
  readonly streamIdleTimeoutMs: number;
}

/** An agent over the chat completions of Azure OpenAI. */
export function createChatCompletionAgent(options: ChatCompletionAgentOptions): Agent {
  return {
    name: options.name,
    type: 'ChatAgent',
    async *run(messages, runOptions) {
      try {
        yield* runOptions.streaming
          ? streamParts(options, messages, runOptions)
          : wholeAnswer(options, messages, runOptions);
      } catch (error) {
        throw runOptions.signal.aborted ? abortError(runOptions.signal) : toAgentError(error);
      }
    },
  };
}

async function* streamParts(
  { client, deployment, instructions, streamIdleTimeoutMs }: ChatCompletionAgentOptions,
  messages: readonly ThreadMessage[],
  { signal }: AgentRunOptions,
): AsyncGenerator<AgentStreamPart> {
  const idle = new IdleTimer(streamIdleTimeoutMs);
  const aborted = AbortSignal.any([signal, idle.signal]);
  const { data: stream, response } = await client.chat.completions
    .create(
      {
        model: deployment,
        messages: toChatMessages(instructions, messages),
        stream: true,
        stream_options: { include_usage: true },
      },
      { signal: aborted },
    )
    .withResponse();
  if (response.headers.get('content-type')?.startsWith('application/json')) {
    throw new AgentError('empty_response', 'The model answered a request for a stream without one.', {
      recovery: 'retry-without-streaming',
    });
  }

  let hasChunks = false;
  let finishReason: string | undefined;
  let usage: AgentUsage | undefined;
  try {
    for await (const received of idle.watch(stream)) {
      hasChunks = true;
      const chunk = chunkSchema.parse(received);
      if (chunk.usage) usage = toUsage(chunk.usage);
      const choice = chunk.choices?.[0];
      if (choice === undefined) continue;
      yield* visibleParts(choice.delta ?? {});
      finishReason ??= choice.finish_reason ?? undefined;
    }
  } catch (error) {
    // Behind the finish reason only the usage is missing: the answer is whole.
    if (finishReason === undefined) throw aborted.aborted ? abortError(aborted) : error;
  }
  if (finishReason === undefined) {
    // The SDK ends a stream that was aborted, cut, or empty without an error.
    if (aborted.aborted) throw abortError(aborted);
    throw hasChunks
      ? new AgentError('incomplete_response', 'The model stopped before its answer was complete.', {
          recovery: 'retry',
        })
      : new AgentError('empty_response', 'The model answered without any content.', { recovery: 'retry' });
  }
  yield { kind: 'finish', finishReason: answerReason(finishReason), ...(usage && { usage }) };
}

async function* wholeAnswer(
  { client, deployment, instructions }: ChatCompletionAgentOptions,
  messages: readonly ThreadMessage[],
  { signal }: AgentRunOptions,
): AsyncGenerator<AgentStreamPart> {
  const completion = completionSchema.parse(
    await client.chat.completions.create(
      { model: deployment, messages: toChatMessages(instructions, messages) },
      { signal },
    ),
  );
  const choice = completion.choices?.[0];
  if (choice === undefined) throw new AgentError('empty_response', 'The model answered without any content.');
  yield* visibleParts(choice.message);
  yield {
    kind: 'finish',
    finishReason: answerReason(choice.finish_reason),
    ...(completion.usage && { usage: toUsage(completion.usage) }),
  };
}

function* visibleParts(visible: VisibleContent): Generator<AgentStreamPart> {
  if (visible.reasoning_content) yield { kind: 'reasoning', text: visible.reasoning_content };
  if (visible.content) yield { kind: 'text', text: visible.content };
  if (visible.refusal) yield { kind: 'text', text: visible.refusal };
}

function answerReason(finishReason: string): AgentFinishReason {
  switch (finishReason) {
    case 'stop':
    case 'length':
      return finishReason;
    case 'content_filter':
      throw contentFilterError();
    default:
      throw new AgentError('unexpected_finish_reason', `The model ended its answer with "${finishReason}".`);
  }
}

function abortError(signal: AbortSignal): AgentError {
  return signal.reason instanceof AgentError
    ? signal.reason
    : new AgentError('run_aborted', 'The run was aborted before the model had answered.', { cause: signal.reason });
}

function toUsage(usage: ModelUsage): AgentUsage {
  const cached = usage.prompt_tokens_details?.cached_tokens ?? undefined;
  const reasoning = usage.completion_tokens_details?.reasoning_tokens ?? undefined;
  const extra = {
    ...(cached !== undefined && { cached_input_token_count: cached }),
    ...(reasoning !== undefined && { reasoning_output_token_count: reasoning }),
  };
  return {
    inputTokenCount: usage.prompt_tokens,
    outputTokenCount: usage.completion_tokens,
    totalTokenCount: usage.total_tokens,
    ...(Object.keys(extra).length > 0 && { extra }),
  };
}
