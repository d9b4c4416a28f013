import { describe, expect, it } from 'vitest';
import { type AgentEntityOptions, createAgentEntity } from '../../../src/durable-agents/entity/agent-entity.js';
import { RunCompletionNotifier } from '../../../src/durable-agents/run-completion-notifier.js';
import type { ThreadEntry } from '../../../src/durable-agents/thread/thread-state.js';
import { RunRecords } from '../../../src/durable-agents/runs/run-records.js';
import { ThreadIndex } from '../../../src/durable-agents/threads/thread-index.js';
import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';
import { finish, text } from '../../support/agent-parts.js';
import { FakeEntity } from '../../support/fake-entity.js';
import { RecordingCallback } from '../../support/recording-callback.js';
import { runRequest } from '../../support/run-request.js';
import { ScriptedAgent } from '../../support/scripted-agent.js';
import { threadState, turnEntries } from '../../support/thread-entries.js';

const sunny = () => new ScriptedAgent([text('Sunny.'), finish()]);

/** Runs a request in a thread with this history. */
async function run(history: readonly ThreadEntry[], options: Partial<AgentEntityOptions>) {
  const entity = new FakeEntity({ operationName: 'run', input: runRequest(), state: threadState(...history) });
  const callback = new RecordingCallback();
  const storage = new MemoryKeyValueStore();
  const handle: (context: FakeEntity['context']) => unknown = createAgentEntity({
    agent: sunny(),
    callback,
    completions: new RunCompletionNotifier(),
    runTimeoutMs: 60_000,
    maxAttempts: 5,
    maxStateBytes: 900_000,
    runRecords: new RunRecords(storage),
    threadIndex: new ThreadIndex(storage),
    ...options,
  });
  await handle(entity.context);
  return { entity, callback };
}

/** So many turns of about 2 KB each. */
const long = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    turnEntries(`run-${index}`, 'Question', { $type: 'text', text: 'a'.repeat(2000) }),
  ).flat();

describe('a thread that has outgrown its limit', () => {
  it('loses its oldest turns, and its message count is that of the turns that stay', async () => {
    const { entity } = await run(long(4), { maxStateBytes: 8000 });

    expect(entity.results).toMatchObject([{ status: 'success', message_count: 8 }]);
    expect(entity.writes).toMatchObject([{ schemaVersion: '1.2.0', data: { truncation: { evictedMessageCount: 2 } } }]);
    expect(JSON.stringify(entity.writes).length).toBeLessThan(8010);
    expect(entity.logLines.join('\n')).toContain('AGENT_MAX_STATE_BYTES: dropped its oldest turns (1)');
  });

  it('keeps the beginning of an answer that is too long alone, while the callback gets it whole', async () => {
    const answer = 'b'.repeat(20_000);
    const agent = new ScriptedAgent([text(answer), finish()]);

    const { entity, callback } = await run(long(1), { maxStateBytes: 8000, agent });

    expect(JSON.stringify(entity.writes)).toMatch(/"b+… \[cut: /);
    expect(callback.responses).toMatchObject([{ text: answer }]);
    expect(entity.logLines.join('\n')).toContain('cut the newest turn');
  });

  it('gives the model the newest turns only', async () => {
    const agent = sunny();

    await run(long(4), { agent, historyLimits: { maxTurns: 2 } });

    expect(agent.calls[0]?.messages).toHaveLength(3);
  });
});
