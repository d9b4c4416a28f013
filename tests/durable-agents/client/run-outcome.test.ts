import { describe, expect, it } from 'vitest';
import { findOutcome } from '../../../src/durable-agents/client/run-outcome.js';
import { threadState, turnEntries } from '../../support/thread-entries.js';

const correlationId = '0123456789abcdef0123456789abcdef';
const answered = threadState(...turnEntries(correlationId, 'Hi', { $type: 'text', text: 'Sunny.' }));
const success = { requestMessage: 'Hi', status: 'success', response: 'Sunny.', messageCount: 2 };

describe('the outcome of a run', () => {
  const later = turnEntries('later', 'And tomorrow?', { $type: 'text', text: 'Rain.' });
  const earlier = turnEntries('earlier', 'Hi', { $type: 'text', text: 'Hello' });
  const failedWith = (error: { message?: string | null; errorCode?: string | null }) =>
    threadState(...turnEntries(correlationId, 'Hi', { $type: 'error', ...error }));

  it.each([
    { what: 'undefined while there is no thread', state: threadState(), outcome: undefined },
    { what: 'undefined while there are only other runs', state: threadState(...earlier), outcome: undefined },
    {
      what: 'undefined while there is only its request',
      state: threadState(...turnEntries(correlationId, 'Hi').slice(0, 1)),
      outcome: undefined,
    },
    { what: 'its answer', state: answered, outcome: success },
    {
      what: 'its answer with the entries up to it, without later ones',
      state: threadState(...earlier, ...answered.data.conversationHistory, ...later),
      outcome: { ...success, messageCount: 4 },
    },
    {
      what: 'an empty answer',
      state: threadState(...turnEntries(correlationId, 'Hi', { $type: 'text', text: '' })),
      outcome: { ...success, response: '', messageCount: 2 },
    },
    {
      what: 'its answer without the message if the request is missing',
      state: threadState(...answered.data.conversationHistory.slice(1)),
      outcome: { status: 'success', response: 'Sunny.', messageCount: 1 },
    },
    {
      what: 'its failure',
      state: failedWith({ message: 'Later.', errorCode: 'rate_limited' }),
      outcome: { requestMessage: 'Hi', status: 'error', error: 'Later.', errorCode: 'rate_limited' },
    },
    {
      what: 'a failure that another version stored without a message',
      state: failedWith({ message: null, errorCode: null }),
      outcome: { requestMessage: 'Hi', status: 'error', error: 'The agent failed.', errorCode: 'agent_error' },
    },
  ])('is $what', ({ state, outcome }) => {
    expect(findOutcome(state.data.conversationHistory, correlationId)).toEqual(outcome);
  });
});
