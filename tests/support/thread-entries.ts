import type { ThreadContent, ThreadEntry } from '../../src/durable-agents/thread/thread-state.js';

const createdAt = '2026-01-07T15:40:00.000Z';

/** The two entries of a turn: request and response. */
export function turnEntries(correlationId: string, question: string, ...answer: ThreadContent[]): ThreadEntry[] {
  return [
    {
      $type: 'request',
      correlationId,
      createdAt,
      messages: [{ role: 'user', contents: [{ $type: 'text', text: question }] }],
    },
    { $type: 'response', correlationId, createdAt, messages: [{ role: 'assistant', contents: answer }] },
  ];
}

export function threadState(...conversationHistory: ThreadEntry[]) {
  return { schemaVersion: '1.1.0', data: { conversationHistory } };
}
