import { z } from 'zod';
import { type NarratedMessage, narrateOffline } from './offline-narration.js';
import { sampleOf } from './offline-structure.js';

/** The parts of a chat message that the offline model uses. */
export interface OfferedMessage extends NarratedMessage {
  readonly tool_call_id?: string;
}

/** A tool that the request offers to the model. */
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

/** The result of `lookup_order` for an order that exists. */
const lookedUpOrder = z.object({ order_id: z.string(), total: z.number(), refundable: z.number() });

/** The `response_format` of a structured answer. */
const jsonSchemaFormat = z.object({ json_schema: z.object({ schema: z.record(z.string(), z.unknown()) }) });

/** For each tool of the app's agents: returns the arguments of the calls that a message asks for. */
const CALLERS: Readonly<Record<string, (message: string) => readonly object[]>> = {
  get_weather: (message) => placesOf(message).map((location) => ({ location })),
  calculate: (message) => sumsOf(message).map((expression) => ({ expression })),
  lookup_order: (message) => ordersOf(message).map((orderId) => ({ order_id: orderId })),
};

/**
 * Returns the offline model's answer: first calls of the offered tools that the message asks for, then a sentence for
 * each result. If no tool fits, a narration.
 *
 * @param responseFormat - as in a request: contains a JSON Schema that the answer must match, or undefined
 */
export function answerOffline(
  messages: readonly OfferedMessage[],
  tools: readonly OfferedTool[],
  responseFormat?: unknown,
): OfflineAnswer {
  const asked = messages.findLastIndex(({ role }) => role === 'user');
  const results = messages.slice(asked + 1).filter(({ role }) => role === 'tool');
  const message = textOf(messages[asked]);
  const refunds = refundsFor(message, results, tools);
  if (refunds.length > 0) return callAll('Let me issue the refund. ', refunds, messages.length);
  const schema = jsonSchemaFormat.safeParse(responseFormat).data?.json_schema.schema;
  const sample = schema && { content: JSON.stringify(sampleOf(schema, message)) };
  if (results.length > 0) {
    return sample ?? { content: results.map((result) => `The tool says: ${textOf(result)}.`).join(' ') };
  }
  const calls = tools.flatMap(({ function: { name } }) =>
    (CALLERS[name]?.(message) ?? []).map((args) => ({ name, arguments: JSON.stringify(args) })),
  );
  if (calls.length === 0) return sample ?? { content: narrateOffline(messages) };
  return callAll('Let me use a tool. ', calls, messages.length);
}

function callAll(content: string, calls: readonly Omit<ToolCall, 'id'>[], round: number): OfflineAnswer {
  return { content, toolCalls: calls.map((call, index) => ({ id: `call_offline_${round}_${index + 1}`, ...call })) };
}

/** Returns calls that refund the orders that were just looked up, if the message asks for a refund. */
function refundsFor(
  message: string,
  results: readonly OfferedMessage[],
  tools: readonly OfferedTool[],
): Omit<ToolCall, 'id'>[] {
  const canRefund = tools.some(({ function: { name } }) => name === 'issue_refund');
  if (!canRefund || !/refund|money back/i.test(message)) return [];
  const orders = results.map((result) => lookedUpOrder.safeParse(parseJson(textOf(result))).data);
  if (!orders.every((order) => order !== undefined)) return [];
  const [, asked] = /\b(?:refund|return)\s+(?:€\s*)?(\d+(?:\.\d+)?)\b/i.exec(message) ?? [];
  return orders.map(({ order_id, refundable, total }) => {
    const amount = asked === undefined ? refundable || total : Number(asked);
    return { name: 'issue_refund', arguments: JSON.stringify({ order_id, amount, reason: message.slice(0, 100) }) };
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Returns ids such as A-1001. */
function ordersOf(message: string): string[] {
  return [...new Set(message.match(/\b[A-Z]-\d{3,6}\b/g))];
}

/** Returns capitalized words after "in", "for" and "and", if the message is about the weather. */
function placesOf(message: string): string[] {
  if (!/weather|rain|sunny|temperature/i.test(message)) return [];
  const places = message.matchAll(/\b(?:in|for|and|of|at)\s+(\p{Lu}\p{L}+(?:\s\p{Lu}\p{L}+)?)/gu);
  return [...places].map(([, place = '']) => place);
}

/** Returns the longest parts that look like arithmetic. */
function sumsOf(message: string): string[] {
  const sums = message.match(/[\d(][\d\s.()+*/^%-]*[+*/^%-][\d\s.()+*/^%-]*[\d)]/g) ?? [];
  return sums.map((sum) => sum.trim());
}

function textOf(message: OfferedMessage | undefined): string {
  const content = message?.content ?? '';
  return typeof content === 'string' ? content : content.map((part) => part.text ?? '').join(' ');
}
