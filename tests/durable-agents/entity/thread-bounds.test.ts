import { describe, expect, it } from 'vitest';
import type { AgentEntityOptions } from '../../../src/durable-agents/entity/agent-entity.js';
import { parseThreadState, type ThreadEntry } from '../../../src/durable-agents/thread/thread-state.js';
import { RunRecords } from '../../../src/durable-agents/runs/run-records.js';
import type { KeyValueStore } from '../../../src/storage/key-value-store.js';
import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';
import { finish, text } from '../../support/agent-parts.js';
import { runRequest } from '../../support/run-request.js';
import { ScriptedAgent } from '../../support/scripted-agent.js';
import { threadPartition } from '../../../src/durable-agents/thread/thread-identity.js';
import { threadState, turnEntries } from '../../support/thread-entries.js';
import { operate, sunny } from './operate-entity.js';

interface RunOptions extends Partial<AgentEntityOptions> {
  readonly storage?: KeyValueStore;
}

/** Runs a request in a thread with this history. */
async function run(history: readonly ThreadEntry[], { storage, agent, ...options }: RunOptions, input = runRequest()) {
  const operation = { operationName: 'run', input, state: threadState(...history) };
  const { entity, callback } = await operate(operation, agent, storage, options);
  return { entity, callback, history: parseThreadState(entity.getState()).data.conversationHistory };
}

/** This number of turns of about 2 KB each. */
const turns = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    turnEntries(`run-${index}`, 'Question', { $type: 'text', text: 'a'.repeat(2000) }),
  ).flat();

describe('a thread that exceeds its limit', () => {
  it('drops its oldest turns, and counts the remaining messages', async () => {
    const { entity } = await run(turns(4), { maxStateBytes: 8000 });

    expect(entity.results).toMatchObject([{ status: 'success', message_count: 8 }]);
    expect(entity.writes).toMatchObject([{ schemaVersion: '1.2.0', data: { truncation: { evictedMessageCount: 2 } } }]);
    expect(JSON.stringify(entity.writes).length).toBeLessThan(8010);
    expect(entity.logLines.join('\n')).toContain('AGENT_MAX_STATE_BYTES: dropped its oldest turns (1)');
  });

  it('keeps the beginning of an answer that alone is too long, while the callback gets all of it', async () => {
    const answer = 'b'.repeat(20_000);
    const agent = new ScriptedAgent([text(answer), finish()]);

    const { entity, callback } = await run(turns(1), { maxStateBytes: 8000, agent });

    expect(JSON.stringify(entity.writes)).toMatch(/"b+… \[cut: /);
    expect(callback.responses).toMatchObject([{ text: answer }]);
    expect(entity.logLines.join('\n')).toContain('cut the newest turn');
  });

  it('does not repeat the run of a dropped turn on redelivery', async () => {
    const storage = new MemoryKeyValueStore();
    const long = new ScriptedAgent([text('b'.repeat(6000)), finish()]);
    const first = await run([], { agent: long, storage, maxStateBytes: 8000 });
    const next = { ...runRequest(), correlationId: 'f'.repeat(32) };
    const second = await run(
      first.history,
      { agent: new ScriptedAgent([text('b'.repeat(6000)), finish()]), storage, maxStateBytes: 8000 },
      next,
    );
    expect(second.history.map((entry) => entry.correlationId)).toEqual([next.correlationId, next.correlationId]);

    const again = await run(second.history, { agent: long, storage, maxStateBytes: 8000 });

    expect(again.entity.results).toMatchObject([{ status: 'completed', correlation_id: runRequest().correlationId }]);
    expect([again.entity.writes, again.callback.calls, long.calls.length]).toEqual([[], [], 1]);
  });

  it('ends the record of a dropped run whose end could not be recorded, and keeps the rest of it', async () => {
    const storage = new MemoryKeyValueStore();
    const records = new RunRecords(storage);
    const dropped = { agentName: 'ScriptedAgent', threadId: 'thread-1', correlationId: 'run-1' };
    await records.begin({ ...dropped, message: 'Question', createdAt: '2026-01-07T15:39:00.000Z' }, 2);
    const before = await records.find(dropped);

    await run(turns(4), { storage, maxStateBytes: 5000 });

    expect(await records.find(dropped)).toMatchObject({
      ...before,
      status: 'completed',
      response: 'a'.repeat(2000),
      messageCount: 4,
      droppedAt: expect.any(String),
    });
    expect(await storage.readRange(threadPartition(dropped), { from: 'open|', before: 'open~' }, 10)).toEqual([]);
  });

  it('creates the missing record of a dropped run', async () => {
    const storage = new MemoryKeyValueStore();

    await run(turns(4), { storage, maxStateBytes: 8000 });

    const dropped = { agentName: 'ScriptedAgent', threadId: 'thread-1', correlationId: 'run-0' };
    expect(await new RunRecords(storage).find(dropped)).toMatchObject({
      status: 'completed',
      message: 'Question',
      response: 'a'.repeat(2000),
      droppedAt: expect.any(String),
    });
  });

  it('passes only the newest turns to the model', async () => {
    const agent = sunny();

    await run(turns(4), { agent, historyLimits: { maxTurns: 2 } });

    expect(agent.calls[0]?.messages).toHaveLength(3);
  });
});
