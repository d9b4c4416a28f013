import { answerOffline, type OfferedTool } from '../../local/offline-answer.js';
import type { ModelAnswer, ModelRequest } from './scripted-model.js';

/** The answer of the offline model, without its pauses, for a scripted model. */
export function offlineAnswer(
  _message: string,
  { messages, tools, response_format }: ModelRequest['body'],
): ModelAnswer {
  const offered = Array.isArray(tools) ? (tools as readonly OfferedTool[]) : [];
  const answer = answerOffline(messages, offered, response_format);
  const toolCalls = 'toolCalls' in answer ? answer.toolCalls : [];
  return {
    pieces: answer.content?.match(/.{1,5}/gsu) ?? [],
    toolCalls: toolCalls.map(({ arguments: text, ...call }) => ({ ...call, arguments: JSON.parse(text) })),
  };
}
