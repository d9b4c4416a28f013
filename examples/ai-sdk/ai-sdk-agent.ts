import {
  jsonSchema,
  type LanguageModel,
  type LanguageModelUsage,
  Output,
  stepCountIs,
  streamText,
  type ToolSet,
} from 'ai';
import {
  type Agent,
  AgentError,
  type AgentRunOptions,
  type AgentStreamPart,
  type AgentUsage,
  type JsonObject,
  type ThreadMessage,
} from '../../src/durable-agents/index.js';
import { toModelMessages } from './model-messages.js';

export interface AiSdkAgentOptions {
  readonly name: string;
  /** Any model that the AI SDK supports. */
  readonly model: LanguageModel;
  readonly instructions: string;
  /** Tools of the AI SDK, which runs them itself. @default none */
  readonly tools?: ToolSet;
  /** How often the model may be asked in one run. @default 10 */
  readonly maxSteps?: number;
}

/**
 * Creates an agent over the AI SDK, which brings its own models and its own tool loop. Callbacks, events and the stored
 * conversation work as for any agent. Its steps are not recorded, so after a crash a run starts over.
 */
export function createAiSdkAgent({ name, model, instructions, tools = {}, maxSteps = 10 }: AiSdkAgentOptions): Agent {
  async function* run(
    messages: readonly ThreadMessage[],
    { signal, enableToolCalls, responseSchema, threadId, correlationId }: AgentRunOptions,
  ): AsyncGenerator<AgentStreamPart> {
    const startedMs = new Map<string, number>();
    const { fullStream } = streamText({
      model,
      system: instructions,
      messages: toModelMessages(messages),
      tools: enableToolCalls ? tools : {},
      stopWhen: stepCountIs(maxSteps),
      abortSignal: signal,
      // Reaches the tools, which may use it to recognize a repeated call.
      experimental_context: { threadId, correlationId },
      ...(responseSchema && { output: Output.object({ schema: jsonSchema(responseSchema) }) }),
      // Errors are parts of the stream, too.
      onError: () => {},
    });
    for await (const part of fullStream) {
      switch (part.type) {
        case 'text-delta':
          yield { kind: 'text', text: part.text };
          break;
        case 'reasoning-delta':
          yield { kind: 'reasoning', text: part.text };
          break;
        case 'tool-call': {
          const { toolCallId: callId, toolName, input } = part;
          startedMs.set(callId, performance.now());
          yield { kind: 'tool_call', text: '', callId, toolName, arguments: toArguments(input) };
          break;
        }
        case 'tool-result':
          yield toToolResult(part.output, false, part, startedMs);
          break;
        case 'tool-error':
          yield toToolResult(`Error: ${part.toolName} failed.`, true, part, startedMs);
          break;
        case 'error':
          throw part.error;
        case 'finish':
          if (part.finishReason === 'tool-calls') {
            throw new AgentError('too_many_tool_rounds', `The model kept calling tools for ${maxSteps} steps.`);
          }
          if (part.finishReason === 'content-filter') {
            throw new AgentError('content_filter', 'The content filter of the model withheld the answer.');
          }
          yield {
            kind: 'finish',
            finishReason: part.finishReason === 'length' ? 'length' : 'stop',
            ...toUsage(part.totalUsage),
          };
      }
    }
  }

  return { name, type: 'AiSdkAgent', run };
}

function toToolResult(
  result: unknown,
  isError: boolean,
  { toolCallId: callId, toolName }: { readonly toolCallId: string; readonly toolName: string },
  startedMs: ReadonlyMap<string, number>,
): AgentStreamPart {
  const now = performance.now();
  const durationMs = Math.round(now - (startedMs.get(callId) ?? now));
  return { kind: 'tool_result', text: '', callId, toolName, result, isError, durationMs };
}

function toArguments(input: unknown): JsonObject | string {
  const isObject = typeof input === 'object' && input !== null && !Array.isArray(input);
  return isObject ? { ...input } : (JSON.stringify(input) ?? '');
}

function toUsage({ inputTokens, outputTokens, totalTokens }: LanguageModelUsage): { usage?: AgentUsage } {
  if (inputTokens === undefined || outputTokens === undefined) return {};
  const totalTokenCount = totalTokens ?? inputTokens + outputTokens;
  return { usage: { inputTokenCount: inputTokens, outputTokenCount: outputTokens, totalTokenCount } };
}
