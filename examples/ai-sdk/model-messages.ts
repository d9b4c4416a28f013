import type { AssistantContent, JSONValue, ModelMessage, ToolContent } from 'ai';
import { messageText, type ThreadMessage } from '../../src/durable-agents/index.js';

/** Returns a conversation in the form of the AI SDK, with its earlier tool calls and their results. */
export function toModelMessages(messages: readonly ThreadMessage[]): ModelMessage[] {
  const toolNames = new Map<string, string>();
  return messages.map((message): ModelMessage => {
    const { role, contents } = message;
    if (role === 'system' || role === 'user') return { role, content: messageText(message) };
    if (role === 'tool') {
      const results = contents.flatMap((content): ToolContent => {
        if (content.$type !== 'functionResult') return [];
        const { callId: toolCallId, result } = content;
        const toolName = toolNames.get(toolCallId) ?? 'unknown';
        return [{ type: 'tool-result', toolCallId, toolName, output: { type: 'json', value: toJson(result) } }];
      });
      return { role, content: results };
    }
    const said = contents.flatMap((content): Exclude<AssistantContent, string> => {
      if (content.$type === 'text') return [{ type: 'text', text: content.text }];
      if (content.$type !== 'functionCall') return [];
      const { callId: toolCallId, name: toolName, arguments: input } = content;
      toolNames.set(toolCallId, toolName);
      return [{ type: 'tool-call', toolCallId, toolName, input: input ?? {} }];
    });
    return { role, content: said };
  });
}

/** A stored result is plain JSON, or missing. */
function toJson(result: unknown): JSONValue {
  return JSON.parse(JSON.stringify(result ?? null));
}
