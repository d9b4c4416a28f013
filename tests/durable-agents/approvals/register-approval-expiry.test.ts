import { describe, expect, it } from 'vitest';
import { AgentRegistry } from '../../../src/durable-agents/agent-registry.js';
import { expireApprovals } from '../../../src/durable-agents/approvals/register-approval-expiry.js';
import { WaitingThreads } from '../../../src/durable-agents/approvals/waiting-threads.js';
import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';
import { FakeDurableClient } from '../../support/fake-durable-client.js';
import { createRecordingLog } from '../../support/recording-log.js';
import { ScriptedAgent } from '../../support/scripted-agent.js';

const agentName = new ScriptedAgent([]).name;
const NOW = new Date('2026-01-07T15:40:00.000Z');

/** Lists threads of the agent whose approvals expire at these times, and expires those that are due. */
async function expire(dueAt: Readonly<Record<string, string>>, onSignal?: (signal: number) => unknown) {
  const waitingThreads = new WaitingThreads(new MemoryKeyValueStore());
  for (const [threadId, time] of Object.entries(dueAt)) await waitingThreads.note({ agentName, threadId }, time);
  await waitingThreads.note({ agentName: 'OtherAgent', threadId: 'of-another-agent' }, '2020-01-01T00:00:00.000Z');
  const agents = new AgentRegistry();
  agents.add({ agent: new ScriptedAgent([]), httpEndpointEnabled: true });
  const durable = new FakeDurableClient(
    () => undefined,
    () => onSignal?.(durable.signals.length),
  );
  const log = createRecordingLog();
  const failure: unknown = await expireApprovals(durable.client, NOW, log, { agents, waitingThreads }).catch(
    (error: unknown) => error,
  );
  const signalled = durable.signals.map(({ entityId }) => entityId.replace(/^.*@/, ''));
  return { signals: durable.signals, signalled: signalled.toSorted(), lines: log.lines, failure };
}

async function dueIn(threads: WaitingThreads): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { threadId } of threads.due(agentName, NOW)) found.push(threadId);
  return found;
}

describe('the timer of approvals', () => {
  it('resumes the threads of its agents whose approvals have expired', async () => {
    const { signals, signalled, lines, failure } = await expire({
      past: '2026-01-07T15:39:59.000Z',
      now: NOW.toISOString(),
      later: '2026-01-07T15:40:00.001Z',
    });

    expect(signalled).toEqual(['now', 'past']);
    expect(signals).toEqual(signals.map((signal) => ({ ...signal, operationName: 'resume', input: {} })));
    expect(lines).toEqual(['info Approvals of 2 threads have expired: their runs continue.']);
    expect(failure).toBeUndefined();
  });

  it('does nothing if none has expired', async () => {
    const { signals, lines } = await expire({ later: '2026-01-07T15:41:00.000Z' });

    expect(signals).toEqual([]);
    expect(lines).toEqual([]);
  });

  it('fails if a thread cannot be signalled, after it has tried the others', async () => {
    const cause = new Error('The host is down.');
    const due = { one: '2026-01-07T15:00:00.000Z', two: '2026-01-07T15:00:00.000Z', three: '2026-01-07T15:00:00.000Z' };

    const { signalled, lines, failure } = await expire(due, (signal) => {
      if (signal === 1) throw cause;
    });

    expect(signalled).toHaveLength(3);
    expect(lines).toEqual(['info Approvals of 2 threads have expired: their runs continue.']);
    expect(failure).toMatchObject({ message: '1 threads could not be signalled', errors: [cause] });
  });
});

describe('the list of waiting threads', () => {
  it('has each thread once, with its newest time, until it no longer waits', async () => {
    const threads = new WaitingThreads(new MemoryKeyValueStore());
    const thread = { agentName, threadId: 'thread-1' };

    await threads.note(thread, '2999-01-01T00:00:00.000Z');
    expect(await dueIn(threads)).toEqual([]);
    await threads.note(thread, '2026-01-01T00:00:00.000Z');
    expect(await dueIn(threads)).toEqual(['thread-1']);
    await threads.note(thread, undefined);
    expect(await dueIn(threads)).toEqual([]);
  });

  it('is not written if nothing changes', async () => {
    const store = new MemoryKeyValueStore();
    const threads = new WaitingThreads(store);
    const thread = { agentName, threadId: 'thread-1' };
    await threads.note(thread, '2026-01-01T00:00:00.000Z');
    let commits = 0;
    const commit = store.commit.bind(store);
    store.commit = (...change) => {
      commits += 1;
      return commit(...change);
    };

    await threads.note(thread, '2026-01-01T00:00:00.000Z');
    await threads.note({ agentName, threadId: 'never-listed' }, undefined);

    expect(commits).toBe(0);
  });

  it('is written again if another process has changed it meanwhile', async () => {
    const store = new MemoryKeyValueStore();
    const threads = new WaitingThreads(store);
    const thread = { agentName, threadId: 'thread-1' };
    const commit = store.commit.bind(store);
    store.commit = async (...change) => {
      store.commit = commit;
      await new WaitingThreads(store).note(thread, '2999-01-01T00:00:00.000Z');
      return commit(...change);
    };

    await threads.note(thread, '2026-01-01T00:00:00.000Z');

    expect(await dueIn(threads)).toEqual(['thread-1']);
  });
});
