import { type NarratedMessage, narrateOffline } from './offline-narration.js';

/** A chat message as the model receives it, as far as the offline model looks at it. */
export interface OfferedMessage extends NarratedMessage {
  readonly tool_call_id?: string;
}

/** A tool as the model is offered it. */
export interface OfferedTool {
  readonly function: { readonly name: string };
}

interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
}

export type OfflineAnswer =
  | { readonly content: string }
  | { readonly content?: string; readonly toolCalls: ToolCall[] };

/** What each tool of the sample's agents is called for, and with which arguments. */
const CALLERS: Readonly<Record<string, (message: string) => readonly object[]>> = {
  get_weather: (message) => placesOf(message).map((location) => ({ location })),
  calculate: (message) => sumsOf(message).map((expression) => ({ expression })),
};

/**
 * The offline model's answer: calls of the offered tools that the message asks for, then a sentence for each of their
 * results; a narration if no tool fits.
 */
export function answerOffline(messages: readonly OfferedMessage[], tools: readonly OfferedTool[]): OfflineAnswer {
  const asked = messages.findLastIndex(({ role }) => role === 'user');
  const results = messages.slice(asked + 1).filter(({ role }) => role === 'tool');
  if (results.length > 0) return { content: results.map((result) => `The tool says: ${textOf(result)}.`).join(' ') };
  const message = textOf(messages[asked]);
  const calls = tools.flatMap(({ function: { name } }) =>
    (CALLERS[name]?.(message) ?? []).map((args) => ({ name, arguments: JSON.stringify(args) })),
  );
  if (calls.length === 0) return { content: narrateOffline(messages) };
  return {
    content: 'Let me use a tool. ',
    toolCalls: calls.map((call, index) => ({ id: `call_offline_${messages.length}_${index + 1}`, ...call })),
  };
}

/** Capitalized words after "in", "for" and "and", if the message is about the weather. */
function placesOf(message: string): string[] {
  if (!/weather|rain|sunny|temperature/i.test(message)) return [];
  const places = message.matchAll(/\b(?:in|for|and|of|at)\s+(\p{Lu}\p{L}+(?:\s\p{Lu}\p{L}+)?)/gu);
  return [...places].map(([, place = '']) => place);
}

/** The longest pieces that look like sums. */
function sumsOf(message: string): string[] {
  const sums = message.match(/[\d(][\d\s.()+*/^%-]*[+*/^%-][\d\s.()+*/^%-]*[\d)]/g) ?? [];
  return sums.map((sum) => sum.trim());
}

function textOf(message: OfferedMessage | undefined): string {
  const content = message?.content ?? '';
  return typeof content === 'string' ? content : content.map((part) => part.text ?? '').join(' ');
}
