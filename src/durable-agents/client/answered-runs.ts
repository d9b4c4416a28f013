import type { InvocationContext } from '@azure/functions';
import { getClient } from 'durable-functions';
import { readStoredThread } from './stored-thread.js';
import { joinedText, responseError } from '../thread/thread-state.js';

/**
 * The runs that a thread's committed state holds an answer to, failed ones not among them: the texts of the answers by
 * correlation id. None for a thread without a state. It is one read of the whole state.
 *
 * @param context of a function that has a durable client among its inputs
 * @throws ThreadStateError for a state that this version cannot read; other errors when it could not be had
 */
export async function answeredRuns(
  context: InvocationContext,
  agentName: string,
  threadId: string,
): Promise<ReadonlyMap<string, string>> {
  const { data } = await readStoredThread(getClient(context), agentName, threadId);
  const answers = data.conversationHistory.filter(
    (entry) => entry.$type === 'response' && responseError(entry) === undefined,
  );
  return new Map(answers.map(({ correlationId, messages }) => [correlationId, joinedText(messages)]));
}
