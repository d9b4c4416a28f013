import type { OpenAI } from 'openai';
import { messageText, type ThreadContent, type ThreadMessage } from '../durable-agents/index.js';

type ChatMessage = OpenAI.ChatCompletionMessageParam;

/** A conversation in the form of the chat completions API, behind the agent's instructions. */
export function toChatMessages(instructions: string, messages: readonly ThreadMessage[]): ChatMessage[] {
  return [{ role: 'system', content: instructions }, ...messages.flatMap(toChatMessage)];
}

function toChatMessage(message: ThreadMessage): ChatMessage[] {
  switch (message.role) {
    case 'system':
      return [{ role: 'system', content: messageText(message) }];
    case 'user':
      return [{ role: 'user', content: userContent(message) }];
    case 'assistant':
      return [assistantMessage(message)];
    case 'tool':
      return message.contents.flatMap((content) =>
        content.$type === 'functionResult'
          ? [{ role: 'tool' as const, tool_call_id: content.callId, content: asText(content.result) }]
          : [],
      );
  }
}

/** Text stays a plain string, which every deployment takes; parts are only used for images. */
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

function assistantMessage(message: ThreadMessage): ChatMessage {
  const toolCalls = message.contents.flatMap((content) =>
    content.$type === 'functionCall'
      ? [
          {
            type: 'function' as const,
            id: content.callId,
            function: { name: content.name, arguments: asText(content.arguments ?? {}) },
          },
        ]
      : [],
  );
  return {
    role: 'assistant',
    content: messageText(message),
    ...(toolCalls.length > 0 && { tool_calls: toolCalls }),
  };
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
