import type { OpenAI } from 'openai';
import {
  isStrictSchema,
  type JsonObject,
  messageText,
  type ModelRequest,
  type ThreadContent,
  type ThreadMessage,
} from '../durable-agents/index.js';

type ChatMessage = OpenAI.ChatCompletionMessageParam;

type FunctionCall = Extract<ThreadContent, { $type: 'functionCall' }>;
type FunctionResult = Extract<ThreadContent, { $type: 'functionResult' }>;

const NO_RESULT = 'There is no result: the run ended before the call did.';

/**
 * Returns the agent's instructions and a conversation in the format of the chat completions API. The API requires the
 * result of each tool call to follow the call directly. Adds a note for a missing result, and leaves out a result
 * without a call.
 */
export function toChatMessages(instructions: string, messages: readonly ThreadMessage[]): ChatMessage[] {
  return [
    { role: 'system', content: instructions },
    ...messages.flatMap((message, index) => toChatMessage(message, messages.slice(index + 1))),
  ];
}

/** Returns the tools in the format of the chat completions API. */
export function toChatTools(tools: ModelRequest['tools']): OpenAI.ChatCompletionFunctionTool[] {
  return tools.map(({ name, description, parameters }) => ({
    type: 'function',
    function: { name, description, parameters },
  }));
}

/** Returns the schema of the answer in the format of the chat completions API. */
export function toResponseFormat(schema: JsonObject): OpenAI.ResponseFormatJSONSchema {
  return { type: 'json_schema', json_schema: { name: 'response', schema, strict: isStrictSchema(schema) } };
}

function toChatMessage(message: ThreadMessage, following: readonly ThreadMessage[]): ChatMessage[] {
  switch (message.role) {
    case 'system':
      return [{ role: 'system', content: messageText(message) }];
    case 'user':
      return [{ role: 'user', content: userContent(message) }];
    case 'assistant':
      return assistantMessages(message, following);
    case 'tool':
      // Added after their calls, by `assistantMessages`.
      return [];
  }
}

/** Returns plain text as a string, which every deployment accepts, and uses parts only for images. */
function userContent(message: ThreadMessage): string | OpenAI.ChatCompletionContentPart[] {
  if (!message.contents.some(isImage)) return messageText(message);
  return message.contents.flatMap((content): OpenAI.ChatCompletionContentPart[] => {
    if (content.$type === 'text') return [{ type: 'text', text: content.text }];
    return isImage(content) ? [{ type: 'image_url', image_url: { url: content.uri } }] : [];
  });
}

function isImage(content: ThreadContent): content is Extract<ThreadContent, { $type: 'data' | 'uri' }> {
  return (content.$type === 'data' || content.$type === 'uri') && (content.mediaType ?? '').startsWith('image/');
}

/** Returns an assistant's message, followed by the results of its tool calls. */
function assistantMessages(message: ThreadMessage, following: readonly ThreadMessage[]): ChatMessage[] {
  const calls = message.contents.filter((content): content is FunctionCall => content.$type === 'functionCall');
  const content = messageText(message);
  if (calls.length === 0) return [{ role: 'assistant', content }];
  const results = resultsAfter(following);
  return [
    {
      role: 'assistant',
      content,
      tool_calls: calls.map(({ callId, name, arguments: args }) => ({
        type: 'function',
        id: callId,
        function: { name, arguments: asText(args ?? {}) },
      })),
    },
    ...calls.map(({ callId }) => ({
      role: 'tool' as const,
      tool_call_id: callId,
      content: results.has(callId) ? asText(results.get(callId)) : NO_RESULT,
    })),
  ];
}

/** Returns the results up to the next message of another role, by the ids of their calls. */
function resultsAfter(following: readonly ThreadMessage[]): ReadonlyMap<string, unknown> {
  const end = following.findIndex(({ role }) => role !== 'tool');
  return new Map(
    following
      .slice(0, end === -1 ? undefined : end)
      .flatMap(({ contents }) => contents)
      .filter((content): content is FunctionResult => content.$type === 'functionResult')
      .map(({ callId, result }) => [callId, result]),
  );
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
