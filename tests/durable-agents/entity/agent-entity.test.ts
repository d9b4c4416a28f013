import { describe, expect, it } from 'vitest';
import type { Agent } from '../../../src/durable-agents/agent.js';
import { createAgentEntity } from '../../../src/durable-agents/entity/agent-entity.js';
import { AgentError } from '../../../src/durable-agents/errors.js';
import { RunCompletionNotifier } from '../../../src/durable-agents/run-completion-notifier.js';
import { finish, text } from '../../support/agent-parts.js';
import { FakeEntity, type FakeEntityOptions } from '../../support/fake-entity.js';
import { RecordingCallback } from '../../../src/durable-agents/testing/recording-callback.js';
import { runRequest } from '../../support/run-request.js';
import { HookedKeyValueStore } from '../../support/hooked-key-value-store.js';
import { readFigures, type RunFigures } from '../../../src/durable-agents/runs/run-figures.js';
import { RunRecords } from '../../../src/durable-agents/runs/run-records.js';
import { Tombstones } from '../../../src/durable-agents/runs/tombstones.js';
import { WaitingThreads } from '../../../src/durable-agents/approvals/waiting-threads.js';
import { ThreadIndex } from '../../../src/durable-agents/threads/thread-index.js';
import type { KeyValueStore } from '../../../src/storage/key-value-store.js';
import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';
import { ScriptedAgent } from '../../support/scripted-agent.js';
import { agentEntityName } from '../../../src/durable-agents/thread/thread-entity.js';
import { ownedBy } from '../../../src/durable-agents/thread/thread-state.js';
import { threadState, turnEntries } from '../../support/thread-entries.js';

const sunny = () => new ScriptedAgent([text('Sunny.'), finish()]);

/** Performs one operation, and returns its effects. */
async function operate(
  operation: FakeEntityOptions,
  agent: Agent = sunny(),
  storage: KeyValueStore = new MemoryKeyValueStore(),
) {
  const entity = new FakeEntity(operation);
  const callback = new RecordingCallback();
  const completions = new RunCompletionNotifier();
  const { ended } = completions.watch(runRequest().correlationId);
  const handle: (context: FakeEntity['context']) => unknown = createAgentEntity({
    agent,
    callback,
    completions,
    runTimeoutMs: 60_000,
    maxAttempts: 5,
    approvalTimeoutMs: 60_000,
    maxStateBytes: 900_000,
    runRecords: new RunRecords(storage),
    threadIndex: new ThreadIndex(storage),
    waitingThreads: new WaitingThreads(storage),
    tombstones: new Tombstones(storage),
  });
  await handle(entity.context);
  return { entity, callback, hasAnnouncedEnd: ended.aborted };
}

describe('the operation run', () => {
  it.each(['run', 'run_agent'])('answers under the name %s, stores the turn and announces its end', async (name) => {
    const { entity, callback, hasAnnouncedEnd } = await operate({ operationName: name, input: runRequest() });

    expect(entity.results).toEqual([
      { status: 'success', correlation_id: runRequest().correlationId, message_count: 2 },
    ]);
    expect(entity.writes).toMatchObject([
      {
        schemaVersion: '1.1.0',
        data: {
          conversationHistory: [
            { $type: 'request', correlationId: runRequest().correlationId },
            { $type: 'response', correlationId: runRequest().correlationId },
          ],
        },
      },
    ]);
    expect(callback.calls).toEqual(['onAgentStart', 'onStreamingResponseUpdate', 'onAgentResponse']);
    expect(callback.contexts[0]).toMatchObject({ agentName: 'ScriptedAgent', threadId: 'thread-1' });
    expect(hasAnnouncedEnd).toBe(true);
  });

  it('continues the thread, and keeps data of other versions next to the history', async () => {
    const agent = sunny();
    const state = {
      ...threadState(...turnEntries('earlier', 'Hi', { $type: 'text', text: 'Hello' })),
      schemaVersion: '1.2.0',
      'x-added': true,
    };

    const { entity } = await operate({ operationName: 'run', input: runRequest(), state }, agent);

    expect(entity.results).toMatchObject([{ message_count: 4 }]);
    expect(entity.writes).toMatchObject([{ schemaVersion: '1.2.0', 'x-added': true }]);
    expect(agent.calls[0]?.messages).toHaveLength(3);
  });

  it('also stores a failed run', async () => {
    const agent = new ScriptedAgent([new AgentError('rate_limited', 'Later.')]);

    const { entity, callback, hasAnnouncedEnd } = await operate({ operationName: 'run', input: runRequest() }, agent);

    expect(entity.results).toEqual([{ status: 'error', correlation_id: runRequest().correlationId, message_count: 2 }]);
    expect(JSON.stringify(entity.writes)).toContain('"errorCode":"rate_limited"');
    expect(callback.calls).toEqual(['onAgentStart', 'onAgentError']);
    expect(hasAnnouncedEnd).toBe(true);
  });

  it('is not repeated on redelivery', async () => {
    const first = await operate({ operationName: 'run', input: runRequest() });
    const agent = sunny();

    const { entity, callback, hasAnnouncedEnd } = await operate(
      { operationName: 'run', input: runRequest(), state: first.entity.getState() },
      agent,
    );

    expect(agent.calls).toEqual([]);
    expect(callback.calls).toEqual([]);
    expect(entity.results).toEqual(first.entity.results);
    expect(entity.getState()).toEqual(first.entity.getState());
    expect(hasAnnouncedEnd).toBe(true);
  });

  it('accepts the request format of the original', async () => {
    const { entity, callback } = await operate({
      operationName: 'run',
      input: {
        message: 'Hi',
        role: 'USER',
        enable_tool_calls: true,
        wait_for_response: true,
        request_response_format: 'Text',
        correlationId: '59650737-951C-41c2-ab74-3c21cb257349',
        options: {},
        created_at: '2026-01-07T15:40:00.123456+00:00',
        response_format: null,
        orchestrationId: 'orchestration-1',
      },
    });

    expect(entity.results).toMatchObject([{ status: 'success', correlation_id: '59650737951c41c2ab743c21cb257349' }]);
    expect(entity.writes).toMatchObject([
      {
        data: {
          conversationHistory: [
            {
              createdAt: '2026-01-07T15:40:00.123456+00:00',
              orchestrationId: 'orchestration-1',
              responseType: 'text',
            },
            {},
          ],
        },
      },
    ]);
    expect(callback.contexts[0]).toMatchObject({ correlationId: '59650737951c41c2ab743c21cb257349' });
  });

  it('returns a small result, however long the answer', async () => {
    const agent = new ScriptedAgent([text('Sunny. '.repeat(100_000)), finish()]);

    const { entity } = await operate({ operationName: 'run', input: runRequest() }, agent);

    expect(JSON.stringify(entity.results).length).toBeLessThan(200);
  });

  it.each([
    { what: 'nothing', input: undefined, says: 'input' },
    { what: 'text', input: 'Hello', says: 'input' },
    { what: 'no message', input: { ...runRequest(), message: undefined }, says: 'message' },
    { what: 'an unknown role', input: { ...runRequest(), role: 'tool' }, says: 'role' },
    { what: 'an invalid correlation id', input: runRequest({ correlationId: 'one' }), says: 'correlationId' },
    { what: 'an invalid time', input: runRequest({ createdAt: 'today' }), says: 'createdAt' },
  ])('rejects an input with $what, and stores nothing', async ({ input, says }) => {
    const agent = sunny();

    const { entity } = await operate({ operationName: 'run', input }, agent);

    expect(entity.results).toMatchObject([{ error: expect.stringContaining(`Invalid run request: ${says}`) }]);
    expect(entity.writes).toEqual([]);
    expect(agent.calls).toEqual([]);
  });
});

describe('the record of a run', () => {
  const run = { ...runRequest(), agentName: 'ScriptedAgent', threadId: 'thread-1' };

  it('ends as failed when the thread belongs to another user', async () => {
    const storage = new MemoryKeyValueStore();
    const agent = sunny();
    const state = ownedBy(threadState(), 'owner');
    const input = runRequest({ ownerId: 'somebody else' });

    const { entity, callback } = await operate({ operationName: 'run', input, state }, agent, storage);

    expect(entity.results).toEqual([{ error: 'The thread belongs to another user.' }]);
    expect([entity.writes, agent.calls, callback.calls]).toEqual([[], [], []]);
    const records = new RunRecords(storage);
    expect(await records.find(run)).toMatchObject({ status: 'failed', errorCode: 'thread_of_another_user' });
    expect(await records.listOpen(run)).toEqual([]);
    expect(await records.findUnseenEnd(run)).toMatchObject({ errorCode: 'thread_of_another_user' });
  });

  it('ends as failed when the operation throws', async () => {
    const storage = new MemoryKeyValueStore();
    const state = {
      get schemaVersion(): string {
        throw new Error('The state is broken.');
      },
    };

    const { entity } = await operate({ operationName: 'run', input: runRequest(), state }, sunny(), storage);

    expect(entity.results).toEqual([{ error: 'The operation failed.' }]);
    expect(await new RunRecords(storage).find(run)).toMatchObject({ status: 'failed', errorCode: 'agent_error' });
  });

  it('ends with a later delivery if the one that answered could not end it', async () => {
    const first = await operate({ operationName: 'run', input: runRequest() });
    const storage = new MemoryKeyValueStore();
    await new RunRecords(storage).begin(run, 1);

    await operate({ operationName: 'run', input: runRequest(), state: first.entity.getState() }, sunny(), storage);

    expect(await new RunRecords(storage).find(run)).toMatchObject({ status: 'completed', response: 'Sunny.' });
  });
});

describe('the operation reset', () => {
  it('empties the thread', async () => {
    const state = threadState(...turnEntries('earlier', 'Hi', { $type: 'text', text: 'Hello' }));

    const { entity, callback } = await operate({ operationName: 'reset', state });

    expect(entity.results).toEqual([{ status: 'reset' }]);
    expect(entity.writes).toEqual([threadState()]);
    expect(callback.calls).toEqual([]);
  });

  it('creates an empty thread if there is none', async () => {
    expect((await operate({ operationName: 'reset' })).entity.writes).toEqual([threadState()]);
  });
});

describe('a thread with an unreadable state', () => {
  const state = { schemaVersion: '2.0.0', data: 'of another kind' };

  it.each(['run', 'reset'])('is not overwritten by %s', async (operationName) => {
    const { entity } = await operate({ operationName, input: runRequest(), state });

    expect(entity.writes).toEqual([]);
    expect(entity.results).toEqual([{ error: expect.stringContaining('schema version 2.0.0') }]);
    expect(entity.logLines.filter((line) => line.startsWith('error'))).toHaveLength(1);
  });

  it('reports the failed run to its callback and to waiting callers', async () => {
    const agent = sunny();

    const { callback, hasAnnouncedEnd } = await operate({ operationName: 'run', input: runRequest(), state }, agent);

    expect(callback.calls).toEqual(['onAgentError']);
    expect(callback.errors[0]).toMatchObject({ code: 'unreadable_thread_state' });
    expect(callback.contexts[0]).toMatchObject({ threadId: 'thread-1', correlationId: runRequest().correlationId });
    expect(agent.calls).toEqual([]);
    expect(hasAnnouncedEnd).toBe(true);
  });
});

describe('an agent entity', () => {
  it('is named after its agent', () => {
    expect(agentEntityName('CallbackAgent')).toBe('dafx-CallbackAgent');
  });

  it.each(['', 'RUN', 'constructor'])('rejects the operation "%s"', async (operationName) => {
    const { entity } = await operate({ operationName, input: runRequest() });

    expect(entity.results).toEqual([{ error: `Unknown operation: ${operationName}` }]);
    expect(entity.writes).toEqual([]);
  });

  it.each(['..', 'a/b', 'a b', 'x'.repeat(129)])(
    'fails the run visibly if its key "%s" belongs to no thread',
    async (key) => {
      const agent = sunny();

      const { entity, callback } = await operate({ operationName: 'run', input: runRequest(), key }, agent);

      expect(entity.results).toMatchObject([{ status: 'error', error: expect.stringContaining('thread id') }]);
      expect(JSON.stringify(entity.writes)).toContain('"errorCode":"invalid_thread_id"');
      expect(callback.calls).toEqual(['onAgentError']);
      expect(agent.calls).toEqual([]);
      expect(entity.logLines.filter((line) => line.includes('refused'))).toHaveLength(1);
    },
  );

  it.each([
    { key: 'auth0~7C1', threadId: 'auth0|1' },
    { key: 'a+b', threadId: 'a+b' },
  ])('with the key $key belongs to the thread $threadId', async ({ key, threadId }) => {
    const { callback } = await operate({ operationName: 'run', input: runRequest(), key });

    expect(callback.contexts[0]).toMatchObject({ threadId, sessionId: threadId });
  });

  it('returns an error instead of throwing, and logs it', async () => {
    const entity = new FakeEntity({ operationName: 'run', input: runRequest() });
    entity.setState = () => {
      throw new Error('storage at https://internal.example is gone');
    };
    const handle: (context: FakeEntity['context']) => unknown = createAgentEntity({
      agent: sunny(),
      callback: undefined,
      completions: new RunCompletionNotifier(),
      runTimeoutMs: 60_000,
      maxAttempts: 5,
      approvalTimeoutMs: 60_000,
      maxStateBytes: 900_000,
      runRecords: new RunRecords(new MemoryKeyValueStore()),
      threadIndex: new ThreadIndex(new MemoryKeyValueStore()),
      waitingThreads: new WaitingThreads(new MemoryKeyValueStore()),
      tombstones: new Tombstones(new MemoryKeyValueStore()),
    });

    await handle(entity.context);

    expect(entity.results).toEqual([{ error: 'The operation failed.' }]);
    expect(entity.logLines.at(-1)).toMatch(/^error .*run.*thread-1.*internal\.example/);
  });

  it('logs to its invocation', async () => {
    const { entity } = await operate({ operationName: 'run', input: runRequest() });

    expect(entity.logLines).toEqual([
      expect.stringMatching(/^information .*run started/),
      expect.stringMatching(/^information .*run answered/),
    ]);
  });
});

const newRun = { ...runRequest(), agentName: 'ScriptedAgent', threadId: 'thread-1' };

/** A store that has recorded this number of deliveries of the run. */
async function storageAfter(deliveries: number): Promise<KeyValueStore> {
  const storage = new MemoryKeyValueStore();
  for (let delivery = 1; delivery <= deliveries; delivery += 1) await new RunRecords(storage).begin(newRun, 1);
  return storage;
}

describe('a run that is redelivered repeatedly', () => {
  const input = runRequest();

  it.each([
    ['the run record', { operationName: 'run', input }, 5],
    ['the host', { operationName: 'run', input, retryCount: 5 }, 0],
  ])('fails without calling the agent after five attempts, counted by %s', async (_who, operation, recorded) => {
    const agent = sunny();
    const { entity, callback, hasAnnouncedEnd } = await operate(operation, agent, await storageAfter(recorded));
    expect(agent.calls).toEqual([]);
    expect(entity.results).toMatchObject([{ status: 'error', message_count: 2 }]);
    expect(callback.errors).toMatchObject([{ code: 'too_many_attempts' }]);
    expect(JSON.stringify(entity.getState())).toContain('too_many_attempts');
    expect(hasAnnouncedEnd).toBe(true);
  });

  it('runs a fifth time, and passes the attempt number to the callback', async () => {
    const storage = await storageAfter(4);
    const { entity, callback } = await operate({ operationName: 'run', input, retryCount: 2 }, sunny(), storage);
    expect(entity.results).toMatchObject([{ status: 'success' }]);
    expect(new Set(callback.contexts.map(({ attempt }) => attempt))).toEqual(new Set([5]));
  });

  it('runs even if its record cannot be written, and logs why', async () => {
    const storage = new HookedKeyValueStore(() => {
      throw new Error('The store is down.');
    });
    const { entity, callback } = await operate({ operationName: 'run', input }, sunny(), storage);
    expect(entity.results).toMatchObject([{ status: 'success' }]);
    expect(new Set(callback.contexts.map(({ attempt }) => attempt))).toEqual(new Set([1]));
    expect(entity.logLines).toContainEqual(expect.stringMatching(/^warn.*could not be noted as running.*is down/));
  });

  it('does not replace an existing answer', async () => {
    const { entity } = await operate({ operationName: 'run', input }, sunny());
    const again = await operate({ operationName: 'run', input, state: entity.getState(), retryCount: 9 }, sunny());
    expect(again.entity.results).toMatchObject([{ status: 'success' }]);
    expect(again.entity.getState()).toEqual(entity.getState());
  });
});

async function figures(storage: KeyValueStore): Promise<readonly RunFigures[]> {
  return (await readFigures(storage, 'ScriptedAgent', { until: new Date('9999-01-01'), limit: 10 })).runs;
}

describe('the statistics of an agent', () => {
  it('get a run with its tokens and times, without a request of their own', async () => {
    let commits = 0;
    const storage = new HookedKeyValueStore((method) => {
      if (method === 'commit') commits += 1;
    });
    const usage = { inputTokenCount: 5, outputTokenCount: 2, totalTokenCount: 7 };
    const seenWhileRunning: RunFigures[] = [];
    const agent = new ScriptedAgent([
      text('Sunny.'),
      async () => seenWhileRunning.push(...(await figures(storage))),
      finish({ usage }),
    ]);

    await operate({ operationName: 'run', input: runRequest() }, agent, storage);

    expect(seenWhileRunning).toMatchObject([{ status: 'running' }]);
    const [figure, ...others] = await figures(storage);
    expect(others).toEqual([]);
    expect(figure).toMatchObject({ status: 'completed', inputTokens: 5, outputTokens: 2 });
    expect(figure?.totalMs).toBeGreaterThanOrEqual(figure?.firstUpdateMs ?? Infinity);
    // The record and the list entry, when the run begins and when it ends.
    expect(commits).toBe(4);
  });

  it('get a run that never began, as one whose conversation cannot be read', async () => {
    const storage = new MemoryKeyValueStore();

    await operate({ operationName: 'run', input: runRequest(), state: 'garbage' }, sunny(), storage);

    expect(await figures(storage)).toMatchObject([{ status: 'failed', errorCode: expect.any(String) }]);
  });
});

describe('the operation delete', () => {
  const newRequest = runRequest({ correlationId: '1'.repeat(32), createdAt: '2026-01-07T17:00:00.000Z' });
  const deletion = { operationName: 'delete', input: { deletedAt: '2026-01-07T16:00:00.000Z' } };

  it('deletes the entity', async () => {
    const { entity } = await operate({ operationName: 'run', input: runRequest() });

    const deleted = await operate({ ...deletion, state: entity.getState() });

    expect(deleted.entity).toMatchObject({ results: [{ status: 'deleted' }], writes: [], isGone: true });
  });

  it.each([
    ['of another version', { schemaVersion: '2.0.0' }, deletion],
    ['without a time', threadState(), { operationName: 'delete' }],
  ])('deletes an entity with a state %s', async (_what, state, operation) => {
    expect((await operate({ ...operation, state })).entity.isGone).toBe(true);
  });

  it('keeps turns that started later', async () => {
    const { entity } = await operate({ operationName: 'run', input: runRequest() });
    const both = await operate({ operationName: 'run', input: newRequest, state: entity.getState() });

    const deleted = await operate({ ...deletion, state: both.entity.getState() });

    expect(deleted.entity.isGone).toBe(false);
    expect(deleted.entity.writes).toMatchObject([
      { data: { conversationHistory: [{ correlationId: newRequest.correlationId }, { $type: 'response' }] } },
    ]);
  });

  it('is not undone by a run that was accepted earlier', async () => {
    const storage = new MemoryKeyValueStore();
    await new Tombstones(storage).bury({ agentName: 'ScriptedAgent', threadId: 'thread-1' }, []);
    const agent = sunny();

    const { entity, callback, hasAnnouncedEnd } = await operate(
      { operationName: 'run', input: runRequest() },
      agent,
      storage,
    );

    expect(entity).toMatchObject({ results: [{ status: 'deleted' }], writes: [], isGone: true });
    expect([agent.calls, callback.calls, hasAnnouncedEnd]).toEqual([[], [], true]);
  });
});
