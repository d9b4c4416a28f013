import { describe, expect, it } from 'vitest';
import { RunRecords } from '../../../src/durable-agents/runs/run-records.js';
import { type MemoryBounds, MemoryLimits } from '../../../src/durable-agents/threads/memory-limits.js';
import { ThreadIndex } from '../../../src/durable-agents/threads/thread-index.js';
import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';

const agentName = 'ScriptedAgent';

function createMemory(bounds: Partial<MemoryBounds>) {
  const storage = new MemoryKeyValueStore();
  const records = new RunRecords(storage);
  const index = new ThreadIndex(storage);
  const limits = new MemoryLimits(storage, records, index, { maxThreads: 100, maxChars: 1_000_000, ...bounds });
  let second = 0;
  const run = async (threadId: string, { message = 'Hi', isOpen = false } = {}): Promise<void> => {
    const at = new Date(Date.UTC(2026, 0, 7, 15, 40, (second += 1)));
    const correlationId = String(second).padStart(32, '0');
    const newRun = { agentName, threadId, correlationId, message, createdAt: at.toISOString() };
    await records.accept(newRun);
    if (!isOpen) await records.end(newRun, { status: 'completed', response: 'Hello', messageCount: 2 });
    await index.touch(newRun, { message, status: isOpen ? 'running' : 'completed', at });
    await limits.enforce(agentName);
  };
  const listed = async () => (await index.list(agentName, { limit: 1000 })).threads.map(({ threadId }) => threadId);
  return { storage, records, run, listed };
}

describe('the memory store of a process', () => {
  it('evicts the least recently active threads with their runs', async () => {
    const { records, run, listed } = createMemory({ maxThreads: 3 });
    for (const threadId of ['a', 'b', 'c', 'a', 'd']) await run(threadId);

    expect(await listed()).toEqual(['d', 'a']);
    expect((await records.list({ agentName, threadId: 'b' }, { limit: 10 })).runs).toEqual([]);
    expect((await records.list({ agentName, threadId: 'a' }, { limit: 10 })).runs).toHaveLength(2);
  });

  it('keeps threads with a running run', async () => {
    const { run, listed } = createMemory({ maxThreads: 2 });
    await run('a', { isOpen: true });
    for (const threadId of ['b', 'c', 'd']) await run(threadId);

    expect(await listed()).toContain('a');
  });

  it('keeps threads with a queued run', async () => {
    const { records, run, listed } = createMemory({ maxThreads: 2 });
    await run('a');
    const queued = {
      agentName,
      threadId: 'a',
      correlationId: 'f'.repeat(32),
      message: 'More',
      createdAt: '2026-01-07',
    };
    await records.accept(queued);

    for (const threadId of ['b', 'c', 'd']) await run(threadId);

    expect(await listed()).toContain('a');
    expect(await records.find(queued)).toMatchObject({ status: 'queued' });
  });

  it('stays below its character limit', async () => {
    const { storage, run } = createMemory({ maxChars: 20_000 });
    for (let number = 0; number < 50; number += 1) await run(`thread-${number % 7}`, { message: 'x'.repeat(1000) });

    expect(storage.charCount).toBeLessThanOrEqual(20_000);
    expect(storage.charCount).toBeGreaterThan(1000);
  });
});
