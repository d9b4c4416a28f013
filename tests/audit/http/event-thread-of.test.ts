import { describe, expect, it } from 'vitest';
import { eventThreadOf } from '../../../src/audit/http/event-thread-of.js';
import { callbackRequest, createAgents } from '../../support/callback-invocation.js';

const agents = createAgents();

describe('the thread that a request names', () => {
  it.each([
    ['as the route spells them', { agentName: 'CallbackAgent', thread_id: 'thread-1' }],
    ['in the case of a query parameter', { AGENTNAME: 'CallbackAgent', Thread_Id: 'thread-1' }],
    ['beside others', { Thread_ID: 'thread-1', threadid: 'other', agentname: 'callbackagent', name: 'Other' }],
  ])('is found by the route parameters, %s', (_what, params) => {
    expect(eventThreadOf(callbackRequest({ params }), agents)).toEqual({
      agentName: 'CallbackAgent',
      threadId: 'thread-1',
    });
  });

  it('has the registered spelling of its agent', () => {
    const request = callbackRequest({ params: { agentName: 'CALLBACKAGENT', thread_id: 'THREAD-1' } });
    expect(eventThreadOf(request, agents)).toEqual({ agentName: 'CallbackAgent', threadId: 'THREAD-1' });
  });

  it.each([
    ['an agent that is not registered', { agentName: 'OtherAgent', thread_id: 'thread-1' }, 404],
    ['no agent', { thread_id: 'thread-1' }, 404],
    ['no thread', { agentName: 'CallbackAgent' }, 400],
    ['what is no thread id', { agentName: 'CallbackAgent', thread_id: ' a' }, 400],
  ])('is refused with %s', (_what, params, status) => {
    expect(() => eventThreadOf(callbackRequest({ params }), agents)).toThrow(expect.objectContaining({ status }));
  });
});
