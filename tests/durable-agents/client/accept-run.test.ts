import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { withWaitingState } from '../../../src/durable-agents/approvals/waiting-run.js';
import {
  acceptRun,
  type AcceptRunOptions,
  assertSameMessage,
  ThreadBusyError,
} from '../../../src/durable-agents/client/accept-run.js';
import { AgentClient } from '../../../src/durable-agents/client/agent-client.js';
import { RunCompletionNotifier } from '../../../src/durable-agents/run-completion-notifier.js';
import { RunRecords } from '../../../src/durable-agents/runs/run-records.js';
import type { ThreadState } from '../../../src/durable-agents/thread/thread-state.js';
import { UnavailableError } from '../../../src/functions/unavailable-error.js';
import { FakeDurableClient } from '../../support/fake-durable-client.js';
import { HookedKeyValueStore } from '../../support/hooked-key-value-store.js';
import { createRecordingLog } from '../../support/recording-log.js';
import { runRequest } from '../../support/run-request.js';
import { threadState, turnEntries } from '../../support/thread-entries.js';

const thread = { agentName: 'ScriptedAgent', threadId: 'thread-1' };
const request = runRequest();
const { correlationId } = request;
const other = runRequest({ correlationId: 'f'.repeat(32), message: 'Another' });
const answered = threadState(...turnEntries(correlationId, request.message, { $type: 'text', text: 'Sunny.' }));
const outage = () => {
  throw new UnavailableError('The store is down.');
};

interface Setup {
  /** The state of the thread. Throws if the host fails. */
  readonly state?: () => unknown;
  /** Called before each access to the store. */
  onStore?: ((method: string) => unknown) | undefined;
  readonly onSignal?: () => unknown;
}

function setUp(setup: Setup = {}) {
  const { state = () => undefined, onSignal } = setup;
  const durable = new FakeDurableClient(state, onSignal);
  const runRecords = new RunRecords(new HookedKeyValueStore((method) => setup.onStore?.(method)));
  const log = createRecordingLog();
  const about = { ...thread, runRecords, durableClient: durable.client, log };
  const completions = new RunCompletionNotifier();
  const client = new AgentClient({ ...about, completions, pollIntervalMs: 1000, maxWaitMs: 30_000 });
  const accept = (options: Partial<AcceptRunOptions> = {}) =>
    acceptRun({ ...about, client, run: request, isKeyed: false, strategy: 'enqueue', ...options });
  const find = (run = request) => runRecords.find({ ...thread, correlationId: run.correlationId });
  return { durable, runRecords, log, accept, find, setup };
}

/** A thread whose run `other` waits for an approval, which may have expired. */
function waitingState(expiresAt: string): ThreadState {
  const call = { callId: 'call-1', toolName: 'pay', arguments: {}, round: 1, index: 0, requestedAt: other.createdAt };
  const waitingRun = { request: other, steps: {}, approvals: [{ ...call, approvalId: 'a', expiresAt }] };
  return withWaitingState(threadState(), { waitingRun, deferredRuns: [], pastApprovals: [] });
}

const started = (durable: FakeDurableClient) => durable.signals.map(({ operationName }) => operationName);

describe('accepting a request', () => {
  it('writes the record of its run, then starts it', async () => {
    const { accept, find, durable } = setUp();

    const accepted = await accept();

    expect(accepted.outcome).toBeUndefined();
    expect(await find()).toMatchObject({ status: 'queued', message: request.message });
    expect(durable.signals).toEqual([]);
    (await accepted.start()).leave();
    expect(durable.signals).toMatchObject([{ operationName: 'run', input: request }]);
    expect(durable.reads).toEqual([]);
  });

  it('returns the outcome that the conversation has for its key', async () => {
    const { accept, find } = setUp({ state: () => answered });

    const accepted = await accept({ isKeyed: true });

    expect(accepted.outcome).toMatchObject({ status: 'success', response: 'Sunny.' });
    expect(await find()).toBeUndefined();
    expect((await accept()).outcome).toBeUndefined();
  });

  it('returns the outcome of the record, if an earlier request with the key has ended', async () => {
    const { accept, runRecords } = setUp();
    await runRecords.end({ ...request, ...thread }, { status: 'completed', response: 'Sunny.', messageCount: 2 });

    expect((await accept({ isKeyed: true })).outcome).toMatchObject({ status: 'success', response: 'Sunny.' });
  });

  it('starts the run as the first request with the key was accepted', async () => {
    const { accept, durable } = setUp();
    await accept({ isKeyed: true });
    const repeated = { ...request, createdAt: '2026-01-07T15:50:00.000Z' };

    const accepted = await accept({ isKeyed: true, run: repeated });
    (await accepted.start()).leave();

    expect(accepted.outcome).toBeUndefined();
    expect(durable.signals).toMatchObject([{ input: request }]);
  });

  it.each([
    { what: 'in the conversation', state: answered },
    { what: 'in the record', state: undefined },
  ])('is rejected if the key was used with another message, $what', async ({ state }) => {
    const { accept } = setUp({ state: () => state });
    await accept({ isKeyed: true });
    const run = { ...request, message: 'Something else' };

    await expect(accept({ isKeyed: true, run })).rejects.toMatchObject({
      status: 409,
      message: 'The Idempotency-Key was used before, with another message.',
    });
  });

  it('continues without a record while the store is down', async () => {
    const { accept, find, log, durable, setup } = setUp({ onStore: outage });

    const accepted = await accept();
    (await accepted.start()).leave();
    await accepted.withdraw();

    expect(log.lines).toEqual([
      expect.stringContaining(`[ScriptedAgent][${correlationId}] the run could not be recorded as accepted`),
    ]);
    expect(started(durable)).toEqual(['run']);
    setup.onStore = undefined;
    expect(await find()).toBeUndefined();
  });

  it('continues if the conversation cannot be read', async () => {
    const failing = setUp({
      state: () => {
        throw new Error('The host is busy.');
      },
    });
    expect((await failing.accept({ isKeyed: true })).outcome).toBeUndefined();
    expect(failing.log.lines).toEqual([expect.stringContaining('could not be read before the run')]);

    const unreadable = setUp({ state: () => 'garbage' });
    expect((await unreadable.accept({ isKeyed: true })).outcome).toBeUndefined();
    expect(unreadable.log.lines).toEqual([]);
  });
});

describe('withdrawing a request', () => {
  it('removes the record of a run that was not started', async () => {
    const { accept, find } = setUp({ onSignal: outage });
    const accepted = await accept();
    await expect(accepted.start()).rejects.toThrow('The store is down.');

    await accepted.withdraw();

    expect(await find()).toBeUndefined();
  });

  it('keeps the record of a run that was started, or that another request accepted', async () => {
    const { accept, find } = setUp();
    const first = await accept();
    const second = await accept();
    await second.withdraw();
    expect(await find()).toMatchObject({ status: 'queued' });

    (await first.start()).leave();
    await first.withdraw();
    expect(await find()).toMatchObject({ status: 'queued' });
  });

  it('logs that the record could not be removed', async () => {
    const { accept, log, setup } = setUp();
    const accepted = await accept();
    setup.onStore = outage;

    await accepted.withdraw();

    expect(log.lines).toEqual([
      expect.stringContaining('its record could not be removed: UnavailableError: The store is down.'),
    ]);
  });
});

describe('the strategy `reject`', () => {
  it('accepts a run of an idle thread, and recognizes it', async () => {
    const { accept, find } = setUp();

    await accept({ strategy: 'reject' });

    expect(await find()).toMatchObject({ status: 'queued' });
    expect((await accept({ strategy: 'reject' })).outcome).toBeUndefined();
  });

  it('refuses a run while another one is open, and names that', async () => {
    const { accept, runRecords, find } = setUp();
    await runRecords.begin({ ...other, ...thread }, 1);

    const error = await accept({ strategy: 'reject' }).catch((thrown: unknown) => thrown);

    expect(error).toBeInstanceOf(ThreadBusyError);
    expect(error).toMatchObject({
      status: 409,
      name: 'ThreadBusyError',
      message: 'The thread is busy with another run.',
      correlationId: other.correlationId,
    });
    expect(await find()).toBeUndefined();
  });

  it('accepts a run if the conversation shows that the other one has ended', async () => {
    const ended = threadState(...turnEntries(other.correlationId, other.message, { $type: 'text', text: 'Yes.' }));
    const { accept, runRecords, find } = setUp({ state: () => ended });
    await runRecords.begin({ ...other, ...thread }, 1);

    await accept({ strategy: 'reject' });

    expect(await find()).toMatchObject({ status: 'queued' });
    expect(await find(other)).toMatchObject({ status: 'completed' });
  });

  it.each([
    { what: 'can be decided', expiresAt: '2999-01-01T00:00:00.000Z', signals: [] },
    { what: 'has expired, and resumes that run', expiresAt: other.createdAt, signals: ['resume'] },
  ])('refuses a run while another one waits for an approval that $what', async ({ expiresAt, signals }) => {
    const { accept, durable } = setUp({ state: () => waitingState(expiresAt) });

    await expect(accept({ strategy: 'reject' })).rejects.toMatchObject({ correlationId: other.correlationId });

    expect(started(durable)).toEqual(signals);
    expect((await accept({ strategy: 'reject', run: other })).outcome).toBeUndefined();
  });

  it('leaves the refusal of an unreadable thread to its entity', async () => {
    const { accept, find } = setUp({ state: () => 'garbage' });

    await accept({ strategy: 'reject' });

    expect(await find()).toMatchObject({ status: 'queued' });
  });
});

describe('the strategy `interrupt`', () => {
  it('cancels the earlier runs', async () => {
    const { accept, runRecords, find } = setUp();
    await runRecords.accept({ ...other, ...thread });

    await accept({ strategy: 'interrupt' });

    expect(await find(other)).toMatchObject({ status: 'cancelled' });
    expect(await find()).toMatchObject({ status: 'queued', interrupts: true });
  });

  it('cancels nothing for a repeated request', async () => {
    const { accept, runRecords, find } = setUp();
    await accept({ strategy: 'interrupt' });
    await runRecords.accept({ ...other, ...thread });

    await accept({ strategy: 'interrupt' });

    expect(await find(other)).toMatchObject({ status: 'queued' });
    expect(await find()).toMatchObject({ status: 'queued' });
  });

  it('leaves no record if the earlier runs cannot be cancelled', async () => {
    const { accept, runRecords, find, setup } = setUp();
    await runRecords.accept({ ...other, ...thread });
    let commits = 0;
    setup.onStore = (method) => {
      if (method === 'commit' && (commits += 1) === 2) outage();
    };

    await expect(accept({ strategy: 'interrupt' })).rejects.toThrow('The store is down.');

    expect(await find()).toBeUndefined();
  });
});

describe('a hanging store', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it('delays a request by at most a second', async () => {
    const { accept, log } = setUp({ onStore: () => new Promise(() => {}) });

    const accepting = accept();
    await vi.advanceTimersByTimeAsync(1000);

    expect((await accepting).outcome).toBeUndefined();
    expect(log.lines).toEqual([expect.stringContaining('Timed out after 1000 ms.')]);
  });

  it.each(['reject', 'interrupt'] as const)(
    'fails a request with the strategy %s after 5 seconds',
    async (strategy) => {
      const { accept } = setUp({ onStore: () => new Promise(() => {}) });

      const accepting = accept({ strategy }).catch((thrown: unknown) => thrown);
      await vi.advanceTimersByTimeAsync(5000);

      const error = await accepting;
      expect(error).toBeInstanceOf(UnavailableError);
      expect(error).toMatchObject({
        message: 'The app cannot read whether the thread is busy. Try again in a moment.',
        cause: { name: 'TimeoutError' },
      });
    },
  );
});

describe('a repeated message', () => {
  it('is the same if only half a surrogate pair differs, or if the first one is unknown', () => {
    expect(() => assertSameMessage(runRequest({ message: 'a\uD83C' }), 'a\uFFFD')).not.toThrow();
    expect(() => assertSameMessage(request, undefined)).not.toThrow();
    expect(() => assertSameMessage(request, '')).toThrow('with another message');
  });
});
