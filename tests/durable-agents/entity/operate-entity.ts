import type { Agent } from '../../../src/durable-agents/agent.js';
import { type AgentEntityOptions, createAgentEntity } from '../../../src/durable-agents/entity/agent-entity.js';
import { RunCompletionNotifier } from '../../../src/durable-agents/run-completion-notifier.js';
import { finish, text } from '../../support/agent-parts.js';
import { FakeEntity, type FakeEntityOptions } from '../../support/fake-entity.js';
import { RecordingCallback } from '../../../src/durable-agents/testing/recording-callback.js';
import { runRequest } from '../../support/run-request.js';
import { RunRecords } from '../../../src/durable-agents/runs/run-records.js';
import { Tombstones } from '../../../src/durable-agents/runs/tombstones.js';
import { WaitingThreads } from '../../../src/durable-agents/approvals/waiting-threads.js';
import { ThreadIndex } from '../../../src/durable-agents/threads/thread-index.js';
import type { KeyValueStore } from '../../../src/storage/key-value-store.js';
import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';
import { ScriptedAgent } from '../../support/scripted-agent.js';

export const sunny = () => new ScriptedAgent([text('Sunny.'), finish()]);

/** Performs one operation, and returns its effects. */
export async function operate(
  operation: FakeEntityOptions,
  agent: Agent = sunny(),
  storage: KeyValueStore = new MemoryKeyValueStore(),
  options: Partial<AgentEntityOptions> = {},
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
    ...options,
  });
  await handle(entity.context);
  return { entity, callback, hasAnnouncedEnd: ended.aborted };
}
