import { HttpRequest } from '@azure/functions';
import { describe, expect, it } from 'vitest';
import type { AccessRequest } from '../../../src/durable-agents/access/authorize.js';
import { createConversationRoute } from '../../../src/durable-agents/http/conversation-route.js';
import { conversationSchema } from '../../../src/durable-agents/thread/conversation.js';
import twoTurnsOfPython from '../../fixtures/thread-states/two-turns-of-python.json';
import { createAccess } from '../../support/callback-invocation.js';
import { type DurableTaskServer, startDurableTaskServer } from '../../support/durable-task-server.js';
import { httpAnswer } from '../../support/http-answer.js';
import { withWaitingState } from '../../../src/durable-agents/approvals/waiting-run.js';
import { runRequest } from '../../support/run-request.js';
import { threadState } from '../../support/thread-entries.js';

const serverWith = (state: unknown) =>
  startDurableTaskServer(() => undefined, { states: { 'dafx-CallbackAgent/thread-1': state } });

async function read(
  { context }: DurableTaskServer,
  query = '',
  params: Readonly<Record<string, string>> = {},
  access = createAccess(),
) {
  const request = new HttpRequest({
    method: 'GET',
    url: `http://localhost:7071/api/agents/CallbackAgent/threads/thread-1${query}`,
    headers: { host: 'localhost:7071' },
    params: { agentName: 'callbackagent', thread_id: 'thread-1', ...params },
  });
  const { status, headers, text } = await httpAnswer(createConversationRoute(access), request, context);
  return { status, headers: Object.fromEntries(headers), json: JSON.parse(text) };
}

describe('GET agents/{agentName}/threads/{thread_id}', () => {
  it('returns the conversation in the entity', async () => {
    const { status, headers, json } = await read(await serverWith(twoTurnsOfPython));

    expect([status, headers['cache-control'], headers['x-has-more']]).toEqual([200, 'no-store', 'false']);
    expect(conversationSchema.strict().parse(json)).toMatchObject({
      thread_id: 'thread-1',
      session_id: 'thread-1',
      agent_name: 'CallbackAgent',
      created_at: '2026-01-07T15:40:00.123Z',
      updated_at: '2026-01-07T15:41:03.000Z',
      message_count: 4,
    });
    expect(json.messages).toHaveLength(4);
  });

  it('pages from the end', async () => {
    const server = await serverWith(twoTurnsOfPython);

    const last = await read(server, '?limit=2');
    const first = await read(server, `?limit=2&before=${last.headers['x-next-cursor']}`);

    expect(last.json.messages.map(({ text }: { text: string }) => text)[0]).toBe('What is the weather in Paris?');
    expect(first.json.messages.map(({ text }: { text: string }) => text)[0]).toBe('Tell me a short joke');
    expect([last.headers['x-has-more'], first.headers['x-has-more']]).toEqual(['true', 'false']);
  });

  it('reports that the oldest turns were dropped', async () => {
    const truncation = { evictedMessageCount: 2 };
    const { data } = twoTurnsOfPython;
    const server = await serverWith({ schemaVersion: '1.2.0', data: { ...data, truncation } });

    expect((await read(server)).json.truncated).toBe(true);
  });

  it('has no messages while the first run of a thread waits for approval', async () => {
    const waitingRun = { request: runRequest(), steps: {}, approvals: [] };
    const state = withWaitingState(threadState(), { waitingRun, deferredRuns: [], pastApprovals: [] });

    expect(await read(await serverWith(state))).toMatchObject({
      status: 200,
      json: { message_count: 0, messages: [], created_at: null, updated_at: null },
    });
  });

  it('reports that all turns were dropped', async () => {
    const server = await serverWith({
      schemaVersion: '1.2.0',
      data: { conversationHistory: [], truncation: { evictedMessageCount: 2 } },
    });

    expect(await read(server)).toMatchObject({ status: 200, json: { messages: [], truncated: true } });
  });

  it.each([
    ['a thread that never ran', undefined, {}, 404, 'There is no conversation with this thread_id.'],
    ['a thread that was reset', threadState(), {}, 404, 'There is no conversation with this thread_id.'],
    ['an agent that is not registered', undefined, { agentName: 'Other' }, 404, 'no agent with the name "Other"'],
    ['a bad thread id', undefined, { thread_id: ' ' }, 400, 'Invalid thread_id'],
    ['a state that cannot be read', { schemaVersion: '2.0.0' }, {}, 500, 'has schema version 2.0.0'],
  ])('rejects %s', async (_what, state, params, status, message) => {
    const answer = await read(await serverWith(state), '', params);

    expect(answer).toMatchObject({ status, json: { error: expect.stringContaining(message) } });
  });

  it.each(['limit=0', 'limit=1001', 'before=x'])('rejects the query %s', async (query) => {
    const [name] = query.split('=');
    const answer = await read(await serverWith(twoTurnsOfPython), `?${query}`);

    expect(answer).toMatchObject({ status: 400, json: { error: expect.stringMatching(`^Invalid ${name}: expected`) } });
  });

  it('asks for access to read', async () => {
    const asked: AccessRequest[] = [];
    const access = createAccess({
      authorize: async (_request, wanted) => {
        asked.push(wanted);
        return undefined;
      },
    });

    expect((await read(await serverWith(twoTurnsOfPython), '', {}, access)).status).toBe(403);
    expect(asked).toMatchObject([{ action: 'read' }]);
  });
});
