import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AgentClient, type AgentClientOptions } from '../../../src/durable-agents/client/agent-client.js';
import { RunCompletionNotifier } from '../../../src/durable-agents/run-completion-notifier.js';
import type { RunOutcome } from '../../../src/durable-agents/client/run-outcome.js';
import { FakeDurableClient } from '../../support/fake-durable-client.js';
import { createRecordingLog } from '../../support/recording-log.js';
import { runRequest } from '../../support/run-request.js';
import { threadState, turnEntries } from '../../support/thread-entries.js';

const request = runRequest();
const { correlationId } = request;
const answered = threadState(...turnEntries(correlationId, request.message, { $type: 'text', text: 'Sunny.' }));
const success = { requestMessage: request.message, status: 'success', response: 'Sunny.', messageCount: 2 };

function clientOf(
  durable: FakeDurableClient,
  options: Partial<AgentClientOptions> = {},
  log = createRecordingLog(),
): AgentClient {
  return new AgentClient(durable.client, log, {
    completions: new RunCompletionNotifier(),
    pollIntervalMs: 1000,
    maxWaitMs: 30_000,
    ...options,
  });
}

const ask = (client: AgentClient) => client.sendAndWait('ScriptedAgent', 'thread-1', request);

/** As {@link ask}, while faked time goes by as fast as it is waited for. */
async function askInFakedTime(client: AgentClient): Promise<RunOutcome | undefined> {
  const asking = ask(client);
  asking.catch(() => {});
  await vi.advanceTimersByTimeAsync(120_000);
  return asking;
}

const gapsOf = (times: readonly number[]): number[] => times.slice(1).map((time, index) => time - (times[index] ?? 0));

describe('sending', () => {
  it('signals the run to the entity of the thread, and looks at nothing', async () => {
    const durable = new FakeDurableClient(() => undefined);

    await clientOf(durable).send('ScriptedAgent', 'thread-1', request);

    expect(durable.signals).toEqual([
      { entityId: '@dafx-scriptedagent@thread-1', operationName: 'run', input: request },
    ]);
    expect(durable.looks).toEqual([]);
  });

  it.each(['send', 'sendAndWait'] as const)('fails (%s) when the signal is not taken', async (method) => {
    const durable = new FakeDurableClient(
      () => answered,
      () => {
        throw new Error('The hub is gone');
      },
    );

    await expect(clientOf(durable)[method]('ScriptedAgent', 'thread-1', request)).rejects.toThrow('The hub is gone');
  });
});

describe('waiting', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it('looks with pauses that grow up to the poll interval, and gives up at its limit', async () => {
    const durable = new FakeDurableClient(() => undefined);
    const startedAt = performance.now();

    const outcome = await askInFakedTime(clientOf(durable, { pollIntervalMs: 100, maxWaitMs: 400 }));

    expect(outcome).toBeUndefined();
    expect(gapsOf([startedAt, ...durable.looks])).toEqual([25, 50, 100, 100, 100, 25]);
  });

  it('looks soon and often once the run has ended, until that is committed', async () => {
    const completions = new RunCompletionNotifier();
    const durable = new FakeDurableClient(
      (look) => (look < 8 ? undefined : answered),
      () => completions.announce(correlationId),
    );

    const outcome = await askInFakedTime(clientOf(durable, { completions, pollIntervalMs: 60_000 }));

    expect(outcome).toEqual(success);
    expect(gapsOf(durable.looks)).toEqual([0, 1, 2, 4, 8, 16, 32]);
  });

  it('is woken out of a long pause', async () => {
    const completions = new RunCompletionNotifier();
    let state: unknown;
    const durable = new FakeDurableClient((look) => {
      // Left alone, the sixth look comes 800 ms after the fifth.
      if (look === 5) {
        setTimeout(() => {
          state = answered;
          completions.announce(correlationId);
        }, 300);
      }
      return state;
    });

    await askInFakedTime(clientOf(durable, { completions, pollIntervalMs: 60_000 }));

    expect(gapsOf(durable.looks).at(-1)).toBe(300);
  });

  it('pays no heed to the end of another run', async () => {
    const completions = new RunCompletionNotifier();
    const durable = new FakeDurableClient(
      () => undefined,
      () => completions.announce('another'),
    );

    await askInFakedTime(clientOf(durable, { completions, maxWaitMs: 60 }));

    expect(durable.looks).toHaveLength(2);
  });

  it('goes on over reads that fail, and logs them', async () => {
    const durable = new FakeDurableClient((look) => {
      if (look < 3) throw new Error('read failed');
      return answered;
    });
    const log = createRecordingLog();

    const outcome = await askInFakedTime(clientOf(durable, {}, log));

    expect(outcome).toEqual(success);
    expect(log.lines).toHaveLength(2);
    expect(log.lines[0]).toMatch(`[ScriptedAgent][${correlationId}] thread thread-1 could not be read`);
  });

  it('fails when its last look fails', async () => {
    const durable = new FakeDurableClient(() => {
      throw new Error('read failed');
    });

    const asking = askInFakedTime(clientOf(durable, { maxWaitMs: 60 }));

    await expect(asking).rejects.toThrow('read failed');
    expect(durable.looks.length).toBeGreaterThan(1);
  });

  it('ends at once at a state that cannot be read', async () => {
    const durable = new FakeDurableClient(() => ({ schemaVersion: '2.0.0' }));

    expect(await askInFakedTime(clientOf(durable))).toEqual({
      status: 'error',
      error: expect.stringContaining('schema version 2.0.0'),
      errorCode: 'unreadable_thread_state',
    });
    expect(durable.looks).toHaveLength(1);
  });
});
