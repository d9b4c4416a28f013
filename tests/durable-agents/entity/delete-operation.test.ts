import { describe, expect, it } from 'vitest';
import { runRequest } from '../../support/run-request.js';
import { finish, text } from '../../support/agent-parts.js';
import { RunRecords } from '../../../src/durable-agents/runs/run-records.js';
import { ThreadIndex } from '../../../src/durable-agents/threads/thread-index.js';
import { ScriptedAgent } from '../../support/scripted-agent.js';
import { Tombstones } from '../../../src/durable-agents/runs/tombstones.js';
import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';
import { threadState } from '../../support/thread-entries.js';
import { operate, sunny } from './operate-entity.js';

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

  it('is not undone by a run that ends after the thread was removed', async () => {
    const storage = new MemoryKeyValueStore();
    const [records, index] = [new RunRecords(storage), new ThreadIndex(storage)];
    const thread = { agentName: 'ScriptedAgent', threadId: 'thread-1' };
    let listed = 0;
    const agent = new ScriptedAgent([
      async () => {
        listed = (await index.list(thread.agentName, { limit: 10 })).threads.length;
        await new Tombstones(storage).bury(thread, []);
        await records.clear(thread);
        await index.remove(thread);
      },
      text('A secret of mine'),
      finish(),
    ]);

    await operate({ operationName: 'run', input: runRequest() }, agent, storage);

    expect(listed).toBe(1);
    expect(await records.list(thread, { limit: 10 })).toMatchObject({ runs: [] });
    expect((await index.list(thread.agentName, { limit: 10 })).threads).toEqual([]);
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
