import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { withWaitingState } from '../../../src/durable-agents/approvals/waiting-run.js';
import { AgentClient, type AgentClientOptions } from '../../../src/durable-agents/client/agent-client.js';
import { RunRecords } from '../../../src/durable-agents/runs/run-records.js';
import { Tombstones } from '../../../src/durable-agents/runs/tombstones.js';
import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';
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
  return new AgentClient({
    durableClient: durable.client,
    agentName: 'ScriptedAgent',
    threadId: 'thread-1',
    log,
    completions: new RunCompletionNotifier(),
    runRecords: new RunRecords(new MemoryKeyValueStore()),
    pollIntervalMs: 1000,
    maxWaitMs: 30_000,
    ...options,
  });
}

const ask = async (client: AgentClient) => (await client.start(request)).outcome();

/** Like {@link ask}, but advances fake time so that nothing waits in real time. */
async function askInFakedTime(client: AgentClient): Promise<RunOutcome | undefined> {
  const asking = ask(client);
  asking.catch(() => {});
  await vi.advanceTimersByTimeAsync(120_000);
  return asking;
}

const gapsOf = (times: readonly number[]): number[] => times.slice(1).map((time, index) => time - (times[index] ?? 0));

describe('starting a run', () => {
  it('signals the run to the entity of the thread, and reads nothing', async () => {
    const durable = new FakeDurableClient(() => undefined);

    (await clientOf(durable).start(request)).leave();

    expect(durable.signals).toEqual([
      { entityId: '@dafx-scriptedagent@thread-1', operationName: 'run', input: request },
    ]);
    expect(durable.reads).toEqual([]);
  });

  it('escapes the thread id in the key of the entity', async () => {
    const durable = new FakeDurableClient(() => undefined);

    (await clientOf(durable, { threadId: 'auth0|ü' }).start(request)).leave();

    expect(durable.signals).toMatchObject([{ entityId: '@dafx-scriptedagent@auth0~7C~C3~BC' }]);
    expect(durable.reads).toEqual([]);
  });

  it.each([
    { what: 'uses the key of an earlier version if that has a state', state: answered, key: 'a+b' },
    { what: 'escapes an id that was valid in an earlier version if it has no state', state: undefined, key: 'a~2Bb' },
  ])('$what', async ({ state, key }) => {
    const durable = new FakeDurableClient(() => state);

    (await clientOf(durable, { threadId: 'a+b' }).start(request)).leave();

    expect(durable.signals).toMatchObject([{ entityId: `@dafx-scriptedagent@${key}` }]);
    expect(durable.reads).toHaveLength(1);
  });

  it('does not write to a new key if the earlier one cannot be read', async () => {
    const durable = new FakeDurableClient(() => {
      throw new Error('read failed');
    });

    await expect(clientOf(durable, { threadId: 'a+b' }).start(request)).rejects.toThrow('read failed');

    expect(durable.signals).toEqual([]);
  });

  it('fails if the signal is rejected, and stops watching', async () => {
    const completions = new RunCompletionNotifier();
    const durable = new FakeDurableClient(
      () => answered,
      () => {
        throw new Error('The hub is gone');
      },
    );

    await expect(clientOf(durable, { completions }).start(request)).rejects.toThrow('The hub is gone');

    expect(completions.watchedCount).toBe(0);
  });

  it('stops watching after the caller has disconnected', async () => {
    const completions = new RunCompletionNotifier();
    const started = await clientOf(new FakeDurableClient(() => answered), { completions }).start(request);
    expect(completions.watchedCount).toBe(1);

    started.leave();

    expect(completions.watchedCount).toBe(0);
  });
});

describe('waiting for a run', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it('polls with pauses that grow to the poll interval, the last time shortly before its limit', async () => {
    const durable = new FakeDurableClient(() => undefined);
    const startedAt = performance.now();

    const outcome = await askInFakedTime(clientOf(durable, { pollIntervalMs: 100, maxWaitMs: 400 }));

    expect(outcome).toBeUndefined();
    expect(gapsOf([startedAt, ...durable.reads])).toEqual([50, 100, 100, 100, 10]);
  });

  it('polls soon and often once the run has ended, until the end is committed', async () => {
    const completions = new RunCompletionNotifier();
    const durable = new FakeDurableClient(
      (read) => (read < 8 ? undefined : answered),
      () => completions.announce(correlationId),
    );

    const outcome = await askInFakedTime(clientOf(durable, { completions, pollIntervalMs: 60_000 }));

    expect(outcome).toEqual(success);
    expect(gapsOf(durable.reads)).toEqual([0, 1, 2, 4, 8, 16, 32]);
  });

  it('reads nothing while the run is running in this process, and then reads its answer once', async () => {
    const completions = new RunCompletionNotifier();
    const runHere = async (): Promise<FakeDurableClient> => {
      let state: unknown;
      const durable = new FakeDurableClient(
        () => state,
        () => {
          completions.begin(correlationId);
          setTimeout(() => completions.announce(correlationId), 10_000);
          setTimeout(() => (state = answered), 10_020);
        },
      );
      expect(await askInFakedTime(clientOf(durable, { completions }))).toEqual(success);
      return durable;
    };

    // The first run measures how long a commit takes.
    expect((await runHere()).reads.length).toBeGreaterThan(1);
    expect((await runHere()).reads).toHaveLength(1);
  });

  it('reads once more at its limit, even while the run is running in this process', async () => {
    const completions = new RunCompletionNotifier();
    const durable = new FakeDurableClient(
      () => undefined,
      () => completions.begin(correlationId),
    );
    const startedAt = performance.now();

    expect(await askInFakedTime(clientOf(durable, { completions, maxWaitMs: 5000 }))).toBeUndefined();

    expect(gapsOf([startedAt, ...durable.reads])).toEqual([4500]);
  });

  it('is woken during a long pause', async () => {
    const completions = new RunCompletionNotifier();
    let state: unknown;
    const durable = new FakeDurableClient((read) => {
      // Without the notification the sixth read follows 1600 ms after the fifth.
      if (read === 5) {
        setTimeout(() => {
          state = answered;
          completions.announce(correlationId);
        }, 300);
      }
      return state;
    });

    await askInFakedTime(clientOf(durable, { completions, pollIntervalMs: 60_000 }));

    expect(gapsOf(durable.reads).at(-1)).toBe(300);
  });

  it('is not woken by the end of another run', async () => {
    const completions = new RunCompletionNotifier();
    const durable = new FakeDurableClient(
      () => undefined,
      () => completions.announce('another'),
    );

    await askInFakedTime(clientOf(durable, { completions, maxWaitMs: 60 }));

    expect(durable.reads).toHaveLength(2);
  });

  it('continues after failing reads, and logs them', async () => {
    const durable = new FakeDurableClient((read) => {
      if (read < 3) throw new Error('read failed');
      return answered;
    });
    const log = createRecordingLog();

    const outcome = await askInFakedTime(clientOf(durable, {}, log));

    expect(outcome).toEqual(success);
    expect(log.lines).toHaveLength(2);
    expect(log.lines[0]).toMatch(`[ScriptedAgent][${correlationId}] thread thread-1 could not be read`);
  });

  it('fails if its last poll fails', async () => {
    const durable = new FakeDurableClient(() => {
      throw new Error('read failed');
    });

    const asking = askInFakedTime(clientOf(durable, { maxWaitMs: 60 }));

    await expect(asking).rejects.toThrow('read failed');
    expect(durable.reads.length).toBeGreaterThan(1);
  });

  it.each([100, 1000, 30_000])('ends within its limit of %i ms while reads hang', async (maxWaitMs) => {
    const durable = new FakeDurableClient(() => new Promise(() => {}));
    let isOver = false;

    const asking = ask(clientOf(durable, { maxWaitMs })).finally(() => (isOver = true));
    await vi.advanceTimersByTimeAsync(maxWaitMs);

    expect(isOver).toBe(true);
    expect(await asking).toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([
    { maxWaitMs: 2000, timeoutMs: 2000 },
    { maxWaitMs: 30_000, timeoutMs: 10_000 },
  ])('fails with 503 after $timeoutMs ms while the signal hangs', async ({ maxWaitMs, timeoutMs }) => {
    const durable = new FakeDurableClient(
      () => answered,
      () => new Promise(() => {}),
    );
    const completions = new RunCompletionNotifier();

    const asking = ask(clientOf(durable, { maxWaitMs, completions }));
    await Promise.all([expect(asking).rejects.toMatchObject({ status: 503 }), vi.advanceTimersByTimeAsync(timeoutMs)]);
    expect(completions.watchedCount).toBe(0);
  });

  it('includes the time of the signal', async () => {
    const durable = new FakeDurableClient(
      () => undefined,
      () => new Promise((resolve) => void setTimeout(resolve, 600)),
    );
    let isOver = false;

    void ask(clientOf(durable, { maxWaitMs: 1000 })).finally(() => (isOver = true));
    await vi.advanceTimersByTimeAsync(1000);

    expect(isOver).toBe(true);
  });

  it('returns the answer of a run that ends just before the last poll', async () => {
    const completions = new RunCompletionNotifier();
    let state: unknown;
    const durable = new FakeDurableClient(() => state);

    const asking = ask(clientOf(durable, { completions, maxWaitMs: 1000, pollIntervalMs: 60_000 }));
    await vi.advanceTimersByTimeAsync(880);
    state = answered;
    completions.announce(correlationId);
    await vi.advanceTimersByTimeAsync(20);

    expect(await asking).toEqual(success);
  });

  it('stops watching at its end', async () => {
    const completions = new RunCompletionNotifier();

    await askInFakedTime(clientOf(new FakeDurableClient(() => answered), { completions }));

    expect([completions.watchedCount, vi.getTimerCount()]).toEqual([0, 0]);
  });

  it('returns the recorded end of a run whose turn was dropped before it could be read', async () => {
    const runRecords = new RunRecords(new MemoryKeyValueStore());
    const run = { ...request, agentName: 'ScriptedAgent', threadId: 'thread-1' };
    await runRecords.end(run, { status: 'completed', response: 'Sunny.', messageCount: 4 });
    await runRecords.noteDropped(run, () => undefined);

    const outcome = await askInFakedTime(clientOf(new FakeDurableClient(() => threadState()), { runRecords }));

    expect(outcome).toEqual({ ...success, messageCount: 4 });
  });

  it('does not return the recorded end of a run before its turn is committed', async () => {
    const runRecords = new RunRecords(new MemoryKeyValueStore());
    const run = { ...request, agentName: 'ScriptedAgent', threadId: 'thread-1' };
    await runRecords.end(run, { status: 'completed', response: 'Sunny.', messageCount: 2 });

    expect(await askInFakedTime(clientOf(new FakeDurableClient(() => threadState()), { runRecords }))).toBeUndefined();
  });

  it('ends with a cancellation if the thread was deleted before the run was recorded or read', async () => {
    const storage = new MemoryKeyValueStore();
    await new Tombstones(storage).bury({ agentName: 'ScriptedAgent', threadId: 'thread-1' }, []);
    const runRecords = new RunRecords(storage);

    const outcome = await askInFakedTime(clientOf(new FakeDurableClient(() => undefined), { runRecords }));

    expect(outcome).toMatchObject({ status: 'error', errorCode: 'cancelled' });
  });

  it.each([
    { what: 'counts as many entries as at its end if earlier turns were dropped since', recorded: 6, expected: 6 },
    { what: 'counts the entries that are left if it has no record', recorded: undefined, expected: 2 },
  ])('$what', async ({ recorded, expected }) => {
    const runRecords = new RunRecords(new MemoryKeyValueStore());
    const end = { status: 'completed', response: 'Sunny.' } as const;
    const run = { ...request, agentName: 'ScriptedAgent', threadId: 'thread-1' };
    if (recorded !== undefined) await runRecords.end(run, { ...end, messageCount: recorded });
    const later = turnEntries('later', 'And now?', { $type: 'text', text: 'Rain.' });
    const { conversationHistory } = answered.data;
    const truncation = { evictedMessageCount: 4 };
    const state = { ...answered, data: { conversationHistory: [...conversationHistory, ...later], truncation } };

    const outcome = await askInFakedTime(clientOf(new FakeDurableClient(() => state), { runRecords }));

    expect(outcome).toEqual({ ...success, messageCount: expected });
  });

  it('resumes a run whose approvals have expired, and waits for its end', async () => {
    const call = {
      callId: 'call-1',
      toolName: 'pay',
      arguments: {},
      round: 1,
      index: 0,
      requestedAt: request.createdAt,
    };
    const waitingRun = { request, steps: {}, approvals: [{ ...call, approvalId: 'a', expiresAt: request.createdAt }] };
    const waiting = withWaitingState(threadState(), { waitingRun, deferredRuns: [], pastApprovals: [] });
    const durable = new FakeDurableClient((read) => (read < 4 ? waiting : answered));

    expect(await askInFakedTime(clientOf(durable))).toEqual(success);

    expect(durable.signals.map(({ operationName }) => operationName)).toEqual(['run', 'resume']);
  });

  it('fails at once if the state cannot be read', async () => {
    const durable = new FakeDurableClient(() => ({ schemaVersion: '2.0.0' }));

    expect(await askInFakedTime(clientOf(durable))).toEqual({
      status: 'error',
      error: expect.stringContaining('schema version 2.0.0'),
      errorCode: 'unreadable_thread_state',
    });
    expect(durable.reads).toHaveLength(1);
  });
});
