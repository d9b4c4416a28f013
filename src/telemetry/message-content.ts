import type { ThreadContent, ThreadMessage } from '../durable-agents/index.js';

/** A conversation as the conventions write it: the JSON text of messages with parts. */
export function toMessagesJson(messages: readonly ThreadMessage[], redact: (text: string) => string): string {
  const parts = messages.map((message) => ({ role: message.role, parts: message.contents.flatMap(toPart) }));
  return redactedJson(parts, redact);
}

/** JSON text whose strings are redacted one by one, so that it stays JSON. */
export function redactedJson(value: unknown, redact: (text: string) => string): string {
  return (
    JSON.stringify(value, (_name, inner: unknown) => (typeof inner === 'string' ? redact(inner) : inner)) ?? 'null'
  );
}

function toPart(content: ThreadContent): object[] {
  switch (content.$type) {
    case 'text':
      return [{ type: 'text', content: content.text }];
    case 'reasoning':
      return [{ type: 'reasoning', content: content.text ?? '' }];
    case 'functionCall':
      return [{ type: 'tool_call', id: content.callId, name: content.name, arguments: content.arguments }];
    case 'functionResult':
      return [{ type: 'tool_call_response', id: content.callId, response: content.result }];
    case 'uri':
      return [{ type: 'uri', uri: content.uri }];
    default:
      return [];
  }
}
