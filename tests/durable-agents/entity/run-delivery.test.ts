import { describe, expect, it } from 'vitest';
import { runRequest } from '../../support/run-request.js';
import { HookedKeyValueStore } from '../../support/hooked-key-value-store.js';
import { RunRecords } from '../../../src/durable-agents/runs/run-records.js';
import type { KeyValueStore } from '../../../src/storage/key-value-store.js';
import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';
import { ownedBy } from '../../../src/durable-agents/thread/thread-state.js';
import { threadState } from '../../support/thread-entries.js';
import { AgentError } from '../../../src/durable-agents/errors.js';
import { ScriptedAgent } from '../../support/scripted-agent.js';
import { operate, sunny } from './operate-entity.js';

const run = { ...runRequest(), agentName: 'ScriptedAgent', threadId: 'thread-1' };

/** A store that has recorded this number of deliveries of the run. */
async function storageAfter(deliveries: number): Promise<KeyValueStore> {
  const storage = new MemoryKeyValueStore();
  for (let delivery = 1; delivery <= deliveries; delivery += 1) await new RunRecords(storage).begin(run, 1);
  return storage;
}

describe('the record of a run', () => {
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

  it('has the time after which the model can be asked again', async () => {
    const storage = new MemoryKeyValueStore();
    const agent = new ScriptedAgent([new AgentError('rate_limited', 'Later.', { retryAfterSeconds: 7 })]);

    await operate({ operationName: 'run', input: runRequest() }, agent, storage);

    expect(await new RunRecords(storage).find(run)).toMatchObject({ status: 'failed', retryAfterSeconds: 7 });
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
    expect(entity.logLines).toContainEqual(
      expect.stringMatching(/^warn.*the start of the run could not be recorded.*is down/),
    );
  });

  it('does not replace an existing answer', async () => {
    const { entity } = await operate({ operationName: 'run', input }, sunny());
    const again = await operate({ operationName: 'run', input, state: entity.getState(), retryCount: 9 }, sunny());
    expect(again.entity.results).toMatchObject([{ status: 'success' }]);
    expect(again.entity.getState()).toEqual(entity.getState());
  });
});
