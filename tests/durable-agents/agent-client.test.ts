import { describe, expect, it } from 'vitest';
import { AgentClient, type AgentClientOptions } from '../../src/durable-agents/agent-client.js';
import { withInvocationLog } from '../../src/durable-agents/invocation-log.js';
import { RunEnds } from '../../src/durable-agents/run-ends.js';
import { FakeDurableClient } from '../support/fake-durable-client.js';
import { runRequest } from '../support/run-request.js';
import { threadState, turnEntries } from '../support/thread-entries.js';

const request = runRequest();
const { correlationId } = request;
const answered = threadState(...turnEntries(correlationId, request.message, { $type: 'text', text: 'Sunny.' }));
const success = { status: 'success', response: 'Sunny.', messageCount: 2 };

/** setTimeout may fire a fraction of a millisecond early by the clock of `performance`. */
const CLOCK_SLACK_MS = 2;

function clientOf(durable: FakeDurableClient, options: Partial<AgentClientOptions> = {}): AgentClient {
  return new AgentClient(durable.client, {
    runEnds: new RunEnds(),
    pollIntervalMs: 1000,
    maxWaitMs: 30_000,
    ...options,
  });
}

const ask = (client: AgentClient) => client.sendAndWait('ScriptedAgent', 'thread-1', request);

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

describe('the outcome of a run', () => {
  const later = turnEntries('later', 'And tomorrow?', { $type: 'text', text: 'Rain.' });
  const earlier = turnEntries('earlier', 'Hi', { $type: 'text', text: 'Hello' });
  const failedWith = (error: { message?: string | null; errorCode?: string | null }) =>
    threadState(...turnEntries(correlationId, 'Hi', { $type: 'error', ...error }));

  it.each([
    { what: 'absent while there is no thread', state: undefined, outcome: undefined },
    { what: 'absent while there are other runs only', state: threadState(...earlier), outcome: undefined },
    {
      what: 'absent while there is only its request',
      state: threadState(...turnEntries(correlationId, 'Hi').slice(0, 1)),
      outcome: undefined,
    },
    { what: 'its answer', state: answered, outcome: success },
    {
      what: 'its answer with the entries up to it, not those behind',
      state: threadState(...earlier, ...answered.data.conversationHistory, ...later),
      outcome: { ...success, messageCount: 4 },
    },
    {
      what: 'an answer without words',
      state: threadState(...turnEntries(correlationId, 'Hi', { $type: 'text', text: '' })),
      outcome: { status: 'success', response: '', messageCount: 2 },
    },
    {
      what: 'its failure',
      state: failedWith({ message: 'Later.', errorCode: 'rate_limited' }),
      outcome: { status: 'error', error: 'Later.', errorCode: 'rate_limited' },
    },
    {
      what: 'a failure that another version stored without words',
      state: failedWith({ message: null, errorCode: null }),
      outcome: { status: 'error', error: 'The agent failed.', errorCode: 'agent_error' },
    },
  ])('is $what', async ({ state, outcome }) => {
    const client = clientOf(new FakeDurableClient(() => state));

    expect(await client.readOutcome('ScriptedAgent', 'thread-1', correlationId)).toEqual(outcome);
  });
});

describe('waiting', () => {
  it('looks with pauses that grow up to the poll interval, and gives up at its limit', async () => {
    const durable = new FakeDurableClient(() => undefined);
    const startedAt = performance.now();

    const outcome = await ask(clientOf(durable, { pollIntervalMs: 100, maxWaitMs: 400 }));

    expect(outcome).toBeUndefined();
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(400 - CLOCK_SLACK_MS);
    const gaps = gapsOf([startedAt, ...durable.looks]);
    for (const [index, pauseMs] of [25, 50, 100, 100].entries()) {
      expect(gaps[index]).toBeGreaterThanOrEqual(pauseMs - CLOCK_SLACK_MS);
    }
    expect(durable.looks.length).toBeLessThanOrEqual(6);
  });

  it('looks soon and often once the run has ended, until that is committed', async () => {
    const runEnds = new RunEnds();
    const durable = new FakeDurableClient(
      (look) => (look < 8 ? undefined : answered),
      () => runEnds.announce(correlationId),
    );

    // Without the announcement the eighth look comes after 6 s.
    const startedAt = performance.now();
    const outcome = await ask(clientOf(durable, { runEnds, pollIntervalMs: 60_000 }));

    expect(outcome).toEqual(success);
    expect(performance.now() - startedAt).toBeLessThan(3000);
    for (const [index, pauseMs] of [0, 1, 2, 4, 8, 16, 32].entries()) {
      expect(gapsOf(durable.looks)[index]).toBeGreaterThanOrEqual(pauseMs - CLOCK_SLACK_MS);
    }
  });

  it('is woken out of a long pause', async () => {
    const runEnds = new RunEnds();
    let state: unknown;
    const durable = new FakeDurableClient((look) => {
      // Left alone, the sixth look comes 800 ms after the fifth.
      if (look === 5) {
        setImmediate(() => {
          state = answered;
          runEnds.announce(correlationId);
        });
      }
      return state;
    });

    await ask(clientOf(durable, { runEnds, pollIntervalMs: 60_000 }));

    expect(gapsOf(durable.looks).at(-1)).toBeLessThan(700);
  });

  it('pays no heed to the end of another run', async () => {
    const runEnds = new RunEnds();
    const durable = new FakeDurableClient(
      () => undefined,
      () => runEnds.announce('another'),
    );

    await ask(clientOf(durable, { runEnds, maxWaitMs: 60 }));

    expect(durable.looks.length).toBeLessThanOrEqual(3);
  });

  it('goes on over reads that fail, and logs them', async () => {
    const durable = new FakeDurableClient((look) => {
      if (look < 3) throw new Error('read failed');
      return answered;
    });
    const warnings: string[] = [];
    const sink = { log: () => {}, warn: (line: string) => void warnings.push(line), error: () => {} };

    const outcome = await withInvocationLog(sink, () => ask(clientOf(durable)));

    expect(outcome).toEqual(success);
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toMatch(`[ScriptedAgent][${correlationId}] thread thread-1 could not be read`);
  });

  it('fails when its last look fails', async () => {
    const durable = new FakeDurableClient(() => {
      throw new Error('read failed');
    });
    const sink = { log: () => {}, warn: () => {}, error: () => {} };

    const asking = withInvocationLog(sink, () => ask(clientOf(durable, { maxWaitMs: 60 })));

    await expect(asking).rejects.toThrow('read failed');
    expect(durable.looks.length).toBeGreaterThan(1);
  });

  it('ends at once at a state that cannot be read', async () => {
    const durable = new FakeDurableClient(() => ({ schemaVersion: '2.0.0' }));

    expect(await ask(clientOf(durable))).toEqual({
      status: 'error',
      error: expect.stringContaining('schema version 2.0.0'),
      errorCode: 'unreadable_thread_state',
    });
    expect(durable.looks).toHaveLength(1);
  });
});
