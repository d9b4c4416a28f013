import { HttpRequest } from '@azure/functions';
import { describe, expect, it } from 'vitest';
import { createDeleteThreadRoute } from '../../../src/durable-agents/http/delete-thread-route.js';
import { RunRecords } from '../../../src/durable-agents/runs/run-records.js';
import { Tombstones } from '../../../src/durable-agents/runs/tombstones.js';
import { ThreadIndex } from '../../../src/durable-agents/threads/thread-index.js';
import type { ThreadIdentity } from '../../../src/durable-agents/thread/thread-identity.js';
import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';
import { createAccess } from '../../support/callback-invocation.js';
import { startDurableTaskServer } from '../../support/durable-task-server.js';
import { httpAnswer } from '../../support/http-answer.js';

const thread = { agentName: 'CallbackAgent', threadId: 'thread-1' };

/** Deletes a listed thread. Returns the threads whose events were deleted. */
async function remove(query = '') {
  const store = new MemoryKeyValueStore();
  const threadIndex = new ThreadIndex(store);
  await threadIndex.touch(thread, { message: 'Hi', status: 'completed', at: new Date(), owner: 'ann' });
  const asked: string[] = [];
  const authorize = async (_request: HttpRequest, { action }: { readonly action: string }) => {
    asked.push(action);
    return { id: 'ann' };
  };
  const cleared: ThreadIdentity[] = [];
  const { context } = await startDurableTaskServer(() => undefined);
  const route = createDeleteThreadRoute({
    access: createAccess({ authorize, threadIndex }),
    runRecords: new RunRecords(store),
    tombstones: new Tombstones(store),
    threadIndex,
    onDeleted: async (deleted) => void cleared.push(deleted),
  });
  const request = new HttpRequest({
    method: 'DELETE',
    url: `http://localhost:7071/api/agents/CallbackAgent/threads/thread-1${query}`,
    headers: { host: 'localhost:7071' },
    params: { agentName: 'callbackagent', thread_id: 'thread-1' },
  });
  const { status, headers, text } = await httpAnswer(route, request, context);
  return {
    status,
    cacheControl: headers.get('cache-control'),
    text,
    cleared,
    asked,
    listed: await threadIndex.find(thread),
  };
}

describe('DELETE agents/{agentName}/threads/{thread_id}', () => {
  it('deletes the thread and its events', async () => {
    expect(await remove()).toEqual({
      status: 204,
      cacheControl: 'no-store',
      text: '',
      cleared: [thread],
      asked: ['delete'],
      listed: undefined,
    });
  });

  it('keeps the events on request', async () => {
    expect(await remove('?keep_events=true')).toMatchObject({ status: 204, cleared: [], listed: undefined });
    expect(await remove('?keep_events=false')).toMatchObject({ status: 204, cleared: [thread] });
  });

  it('deletes nothing if the query is invalid', async () => {
    expect(await remove('?keep_events=maybe')).toMatchObject({
      status: 400,
      text: expect.stringContaining('Invalid keep_events: expected'),
      cleared: [],
      listed: { owner: 'ann' },
    });
  });
});
