import { describe, expect, it } from 'vitest';
import { withWaitingState } from '../../../src/durable-agents/approvals/waiting-run.js';
import { findOutcome, findWaiting, recordedOutcome } from '../../../src/durable-agents/client/run-outcome.js';
import type { ThreadContent } from '../../../src/durable-agents/thread/thread-state.js';
import { runRequest } from '../../support/run-request.js';
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

const outcomeOf = (...contents: ThreadContent[]) =>
  findOutcome(threadState(...turnEntries(correlationId, 'Hi', ...contents)).data.conversationHistory, correlationId);

const failedBecauseOf = (details: unknown) =>
  outcomeOf({ $type: 'error', message: 'No.', errorCode: 'rate_limited', details });

describe('the outcome of a run in the conversation', () => {
  it('contains when a retry may succeed, if the model sent that', () => {
    expect(failedBecauseOf({ retryAfterSeconds: 0 })).toMatchObject({ retryAfterSeconds: 0 });
    expect(failedBecauseOf({ retryAfterSeconds: -1 })).not.toHaveProperty('retryAfterSeconds');
    expect(failedBecauseOf('Later.')).not.toHaveProperty('retryAfterSeconds');
  });

  it('reports whether the text of the answer was cut', () => {
    const extensionData = { truncated: true };
    const text = { $type: 'text' as const, text: 'Sunny' };

    expect(outcomeOf(text, { ...text, extensionData })).toMatchObject({ isCut: true });
    expect(outcomeOf({ $type: 'reasoning', text: 'Hm', extensionData }, text)).not.toHaveProperty('isCut');
    const history = [{ $type: 'response' as const, correlationId, messages: [{ role: 'assistant' as const }] }, {}];
    expect(findOutcome(history, correlationId)).toEqual({ status: 'success', response: '', messageCount: 1 });
  });
});

describe('the outcome of a run according to its record', () => {
  it('is undefined while the run is open', () => {
    expect(recordedOutcome({ status: 'running', response: 'Sunny.' })).toBeUndefined();
  });

  it('contains what the record has', () => {
    expect(recordedOutcome({ status: 'completed', message: 'Hi', response: 'Sunny.', messageCount: 2 })).toEqual(
      success,
    );
    expect(recordedOutcome({ status: 'completed' })).toEqual({ status: 'success', response: '', messageCount: 0 });
    expect(
      recordedOutcome({ status: 'failed', error: 'No.', errorCode: 'rate_limited', retryAfterSeconds: 0 }),
    ).toEqual({
      status: 'error',
      error: 'No.',
      errorCode: 'rate_limited',
      retryAfterSeconds: 0,
    });
    expect(recordedOutcome({ status: 'cancelled', message: '' })).toEqual({
      requestMessage: '',
      status: 'error',
      error: '',
      errorCode: '',
    });
  });
});

describe('a run that waits', () => {
  const LATER = '2999-01-01T00:00:00.000Z';
  const request = runRequest({ correlationId, message: 'Hi' });
  const call = { round: 1, index: 0, callId: 'call-1', toolName: 'pay', arguments: {}, requestedAt: request.createdAt };
  const approvalOf = (approvalId: string, expiresAt: string) => ({ ...call, approvalId, expiresAt });
  const stateWith = (...approvals: ReturnType<typeof approvalOf>[]) =>
    withWaitingState(threadState(), {
      waitingRun: { request, steps: {}, approvals },
      deferredRuns: [],
      pastApprovals: [],
    });

  it('shows the approvals that can be decided', () => {
    const [open, expired] = [approvalOf('a', LATER), approvalOf('b', request.createdAt)];

    expect(findWaiting(stateWith(open, expired), correlationId)).toEqual({
      status: 'waiting',
      requestMessage: 'Hi',
      approvals: [open],
    });
    expect(findWaiting(stateWith(expired), correlationId)).toBeUndefined();
  });

  it('is no other run', () => {
    expect(findWaiting(stateWith(approvalOf('a', LATER)), 'f'.repeat(32))).toBeUndefined();
    expect(findWaiting(threadState(), correlationId)).toBeUndefined();
  });
});
