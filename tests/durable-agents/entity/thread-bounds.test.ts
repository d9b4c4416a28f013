import { describe, expect, it } from 'vitest';
import { type AgentEntityOptions, createAgentEntity } from '../../../src/durable-agents/entity/agent-entity.js';
import { RunCompletionNotifier } from '../../../src/durable-agents/run-completion-notifier.js';
import { parseThreadState, type ThreadEntry } from '../../../src/durable-agents/thread/thread-state.js';
import { RunRecords } from '../../../src/durable-agents/runs/run-records.js';
import { Tombstones } from '../../../src/durable-agents/runs/tombstones.js';
import { WaitingThreads } from '../../../src/durable-agents/approvals/waiting-threads.js';
import { ThreadIndex } from '../../../src/durable-agents/threads/thread-index.js';
import type { KeyValueStore } from '../../../src/storage/key-value-store.js';
import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';
import { finish, text } from '../../support/agent-parts.js';
import { FakeEntity } from '../../support/fake-entity.js';
import { RecordingCallback } from '../../../src/durable-agents/testing/recording-callback.js';
import { runRequest } from '../../support/run-request.js';
import { ScriptedAgent } from '../../support/scripted-agent.js';
import { threadState, turnEntries } from '../../support/thread-entries.js';

const sunny = () => new ScriptedAgent([text('Sunny.'), finish()]);

interface RunOptions extends Partial<AgentEntityOptions> {
  readonly storage?: KeyValueStore;
}

/** Runs a request in a thread with this history. */
async function run(
  history: readonly ThreadEntry[],
  { storage = new MemoryKeyValueStore(), ...options }: RunOptions,
  input = runRequest(),
) {
  const entity = new FakeEntity({ operationName: 'run', input, state: threadState(...history) });
  const callback = new RecordingCallback();
  const handle: (context: FakeEntity['context']) => unknown = createAgentEntity({
    agent: sunny(),
    callback,
    completions: new RunCompletionNotifier(),
    runTimeoutMs: 60_000,
    maxAttempts: 5,
    approvalTimeoutMs: 60_000,
    maxStateBytes: 900_000,
    runRecords: new RunRecords(storage),
    threadIndex: new ThreadIndex(storage),
    waitingThreads: new WaitingThreads(storage),
    tombstones: new Tombstones(storage),
    ...options,
  });
  await handle(entity.context);
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
