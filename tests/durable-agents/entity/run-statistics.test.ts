import { describe, expect, it } from 'vitest';
import { finish, text } from '../../support/agent-parts.js';
import { runRequest } from '../../support/run-request.js';
import { HookedKeyValueStore } from '../../support/hooked-key-value-store.js';
import { readFigures, type RunFigures } from '../../../src/durable-agents/runs/run-figures.js';
import type { KeyValueStore } from '../../../src/storage/key-value-store.js';
import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';
import { ScriptedAgent } from '../../support/scripted-agent.js';
import { operate, sunny } from './operate-entity.js';

async function figures(storage: KeyValueStore): Promise<readonly RunFigures[]> {
  return (await readFigures(storage, 'ScriptedAgent', { until: new Date('9999-01-01'), limit: 10 })).runs;
}

describe('the statistics of an agent', () => {
  it('include a run with its tokens and times, without extra requests', async () => {
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

  it('include a run that never started because its conversation cannot be read', async () => {
    const storage = new MemoryKeyValueStore();

    await operate({ operationName: 'run', input: runRequest(), state: 'garbage' }, sunny(), storage);

    expect(await figures(storage)).toMatchObject([{ status: 'failed', errorCode: expect.any(String) }]);
  });
});
