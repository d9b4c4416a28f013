import type { AgentTextUpdate, ThreadContent, ThreadMessage, TracedAnswer } from '../durable-agents/index.js';

/** A message in the shape of the GenAI conventions. */
interface Message {
  readonly role: string;
  readonly parts: readonly object[];
  /** Why the model stopped. Only on its answer. */
  readonly finish_reason?: string;
}

/**
 * Returns the JSON of a conversation.
 *
 * @param finishReason - why the model stopped, if the last message is its answer
 */
export function toMessagesJson(
  messages: readonly ThreadMessage[],
  redact: (text: string) => string,
  finishReason?: string,
): string {
  const written = messages.map(({ role, contents }, index): Message => ({
    role,
    parts: contents.flatMap(toPart),
    ...(index === messages.length - 1 && finishReason !== undefined && { finish_reason: finishReason }),
  }));
  return redactedJson(written, redact);
}

/** Returns a value as JSON. Redacts each string separately, so the result stays valid JSON. */
export function redactedJson(value: unknown, redact: (text: string) => string): string {
  return (
    JSON.stringify(value, (_name, inner: unknown) => (typeof inner === 'string' ? redact(inner) : inner)) ?? 'null'
  );
}

/**
 * Returns the JSON of a model's answer.
 *
 * @param pieces - the pieces of its texts, in order
 */
export function toAnswerJson(
  pieces: readonly AgentTextUpdate[],
  { calls, finishReason }: Pick<TracedAnswer, 'calls' | 'finishReason'>,
  redact: (text: string) => string,
): string {
  const texts: { readonly type: string; content: string }[] = [];
  for (const { kind, text } of pieces) {
    const last = texts.at(-1);
    // Joins the pieces first, because a secret may be split across several.
    if (last?.type === kind) last.content += text;
    else texts.push({ type: kind, content: text });
  }
  const called = calls.map(({ callId, toolName, arguments: args }) => ({
    type: 'tool_call',
    id: callId,
    name: toolName,
    arguments: jsonOrText(args),
  }));
  const answer: Message = { role: 'assistant', parts: [...texts, ...called], finish_reason: finishReason };
  return redactedJson([answer], redact);
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
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
