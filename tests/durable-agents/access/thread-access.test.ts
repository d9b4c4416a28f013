import { describe, expect, it, vi } from 'vitest';
import type { AccessRequest, Authorize } from '../../../src/durable-agents/access/authorize.js';
import { ThreadAccess } from '../../../src/durable-agents/access/thread-access.js';
import { builtInRedactors } from '../../../src/durable-agents/redaction/built-in-redactors.js';
import { Redaction } from '../../../src/durable-agents/redaction/redaction.js';
import { ThreadIndex } from '../../../src/durable-agents/threads/thread-index.js';
import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';
import { callbackInvocation, callbackRequest, createAccess, createAgents } from '../../support/callback-invocation.js';
import { startDurableTaskServer } from '../../support/durable-task-server.js';
import { threadState, turnEntries } from '../../support/thread-entries.js';

const thread = { agentName: 'CallbackAgent', threadId: 'thread-1' };
const as =
  (id: string): Authorize =>
  async () => ({ id });
const at = new Date('2026-11-28T10:00:00.000Z');
const turn = turnEntries('run-1', 'Hi', { $type: 'text', text: 'Hello' });

/** A conversation of this owner, as the entity stores it. */
const stateOf = (ownerId: unknown) => {
  const state = threadState(...turn);
  return { ...state, data: { ...state.data, extensionData: { ownerId } } };
};

/** Starts a host whose thread-1 has this state. */
const hostWith = async (state?: unknown) =>
  (await startDurableTaskServer(() => undefined, { states: { 'dafx-CallbackAgent/thread-1': state } })).context;

/** A thread list that contains thread-1. */
async function listWith(owner?: string): Promise<ThreadIndex> {
  const threadIndex = new ThreadIndex(new MemoryKeyValueStore());
  await threadIndex.touch(thread, { message: 'Hi', status: 'completed', at, owner });
  return threadIndex;
}

const notFound = expect.objectContaining({ status: 404, message: 'There is no conversation with this thread_id.' });

const threadOf = (params: Readonly<Record<string, string>>) =>
  createAccess().threadOf(callbackRequest({ params }), callbackInvocation(), 'read');

describe('the thread of a route', () => {
  it.each([
    [{ agentName: 'CallbackAgent', thread_id: 'thread-1' }],
    [{ AGENTNAME: 'CallbackAgent', Thread_Id: 'thread-1' }],
    [{ agentName: 'CALLBACKAGENT', thread_id: 'thread-1' }],
    [{ Thread_ID: 'thread-1', threadid: 'other', agentname: 'callbackagent', name: 'Other' }],
  ])('has the registered spelling of its agent: %j', async (params) => {
    expect(await threadOf(params)).toEqual(thread);
  });

  it.each([
    ['an agent that is not registered', { agentName: 'OtherAgent', thread_id: 'thread-1' }, 404],
    ['no agent', { thread_id: 'thread-1' }, 404],
    ['no thread', { agentName: 'CallbackAgent' }, 400],
    ['an invalid thread id', { agentName: 'CallbackAgent', thread_id: ' a' }, 400],
  ])('is rejected with %s', async (_what, params, status) => {
    await expect(threadOf(params)).rejects.toMatchObject({ status });
  });
});

describe('a request to an app that authorizes', () => {
  it('is passed to the authorize function with its action', async () => {
    const asked: AccessRequest[] = [];
    const access = createAccess({
      authorize: async (_request, wanted) => {
        asked.push(wanted);
        return { id: 'ann' };
      },
      threadIndex: await listWith('ann'),
    });
    const context = await hostWith();

    await access.threadOf(callbackRequest(), context, 'delete');
    await access.claim(callbackRequest(), context, thread, 'Hi');
    const list = await access.agentOf(callbackRequest());

    expect(asked).toEqual([
      { ...thread, action: 'delete' },
      { ...thread, action: 'run' },
      { agentName: 'CallbackAgent', threadId: undefined, action: 'list' },
    ]);
    expect(list).toEqual({ agentName: 'CallbackAgent', owner: 'ann' });
  });

  it('is rejected with 403 before any read if the app does not know its sender', async () => {
    const threadIndex = await listWith('ann');
    const access = createAccess({ authorize: async () => undefined, threadIndex });
    // Reading the conversation would fail: this invocation has no durable client.
    const context = callbackInvocation();

    await expect(access.threadOf(callbackRequest(), context, 'read')).rejects.toMatchObject({ status: 403 });
    await expect(access.claim(callbackRequest(), context, thread, 'Hi')).rejects.toMatchObject({ status: 403 });
    await expect(access.agentOf(callbackRequest())).rejects.toMatchObject({ status: 403 });
  });

  it.each<[string, { owner?: string } | undefined, unknown]>([
    ['is listed with another owner', { owner: 'bob' }, undefined],
    ['is listed without an owner', {}, undefined],
    ['has another owner in its conversation', undefined, stateOf('bob')],
    ['has no owner in its conversation', undefined, threadState(...turn)],
    ['has an invalid owner in its conversation', undefined, stateOf(7)],
    ['has an unreadable conversation', undefined, { schemaVersion: '9.0.0' }],
  ])('gets a 404 for a thread that %s', async (_what, listed, state) => {
    const threadIndex = listed && (await listWith(listed.owner));
    const access = createAccess({ authorize: as('ann'), ...(threadIndex && { threadIndex }) });
    const context = await hostWith(state);

    await expect(access.threadOf(callbackRequest(), context, 'read')).rejects.toEqual(notFound);
    await expect(access.claim(callbackRequest(), context, thread, 'Hi')).rejects.toEqual(notFound);
  });

  it.each<[string, string | undefined, unknown]>([
    ['the list', 'ann', undefined],
    ['the conversation if it is missing in the list', undefined, stateOf('ann')],
  ])('has access to its own thread, according to %s', async (_what, owner, state) => {
    const threadIndex = owner === undefined ? undefined : await listWith(owner);
    const access = createAccess({ authorize: as('ann'), ...(threadIndex && { threadIndex }) });
    const context = await hostWith(state);

    expect(await access.threadOf(callbackRequest(), context, 'read')).toEqual(thread);
    expect(await access.claim(callbackRequest(), context, thread, 'Hi')).toBe('ann');
  });

  it('becomes the owner of a new thread if it comes first', async () => {
    const threadIndex = new ThreadIndex(new MemoryKeyValueStore());
    const context = await hostWith();
    const claims = ['ann', 'bob', 'cid'].map((user) =>
      createAccess({ authorize: as(user), threadIndex }).claim(callbackRequest(), context, thread, 'Hi'),
    );

    const outcomes = await Promise.allSettled(claims);

    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected', 'rejected']);
    const [winner] = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    expect(await threadIndex.find(thread)).toMatchObject({ owner: winner, title: 'Hi' });
  });

  it('takes ownership of a new thread with the message as its title, without secrets', async () => {
    const threadIndex = new ThreadIndex(new MemoryKeyValueStore());
    const access = new ThreadAccess({
      agents: createAgents(),
      threadIndex,
      authorize: as('ann'),
      redaction: new Redaction([builtInRedactors.email]),
    });

    expect(await access.claim(callbackRequest(), await hostWith(), thread, 'I am ann@example.com')).toBe('ann');

    expect(await threadIndex.find(thread)).toMatchObject({ owner: 'ann', title: 'I am [redacted:email]' });
  });

  it('does not change the entry of a thread that is in the list', async () => {
    const threadIndex = await listWith('ann');
    const before = await threadIndex.find(thread);
    const access = createAccess({ authorize: as('ann'), threadIndex });
    const claim = vi.spyOn(threadIndex, 'claim');

    await access.claim(callbackRequest(), await hostWith(), thread, 'Another message');

    expect(claim).not.toHaveBeenCalled();
    expect(await threadIndex.find(thread)).toEqual(before);
  });

  it('says that it is not allowed if the app does not know its sender', async () => {
    const access = createAccess({ authorize: async () => undefined });

    await expect(access.agentOf(callbackRequest())).rejects.toMatchObject({
      status: 403,
      message: 'You are not allowed to do this.',
    });
  });

  it('fails if the owner cannot be read', async () => {
    const access = createAccess({ authorize: as('ann') });
    const { context } = await startDurableTaskServer(() => undefined, { failingReads: 9 });

    const failure: unknown = await access.threadOf(callbackRequest(), context, 'read').catch((error: unknown) => error);

    expect(failure).toBeInstanceOf(Error);
    expect(failure).not.toEqual(notFound);
  });

  it('needs the client of the durable entities', () => {
    expect(createAccess({ authorize: as('ann') }).extraInputs).toMatchObject([{ type: 'durableClient' }]);
  });
});

describe('a request to an app that does not authorize', () => {
  it('may do everything without an owner, and reads nothing for that', async () => {
    const threadIndex = await listWith('ann');
    const access = createAccess({ threadIndex });
    // Reading the conversation would fail: this invocation has no durable client.
    const context = callbackInvocation();

    expect(access.extraInputs).toEqual([]);
    expect(await access.callerOf(callbackRequest(), context, 'delete')).toEqual({ thread, principal: undefined });
    expect(await access.claim(callbackRequest(), context, thread, 'Hi')).toBeUndefined();
    expect(await access.agentOf(callbackRequest())).toEqual({ agentName: 'CallbackAgent', owner: undefined });
  });
});
