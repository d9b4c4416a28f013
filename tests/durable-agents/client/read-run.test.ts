import { describe, expect, it } from 'vitest';
import type { Approval } from '../../../src/durable-agents/approvals/approval.js';
import { withWaitingState } from '../../../src/durable-agents/approvals/waiting-run.js';
import { endedRunOf, readRun } from '../../../src/durable-agents/client/read-run.js';
import { ThreadStateError } from '../../../src/durable-agents/errors.js';
import { queuedRun } from '../../../src/durable-agents/runs/run-record.js';
import { RunRecords } from '../../../src/durable-agents/runs/run-records.js';
import { createThreadState, type ThreadState } from '../../../src/durable-agents/thread/thread-state.js';
import { UnavailableError } from '../../../src/functions/unavailable-error.js';
import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';
import { FakeDurableClient } from '../../support/fake-durable-client.js';
import { HookedKeyValueStore } from '../../support/hooked-key-value-store.js';
import { createRecordingLog } from '../../support/recording-log.js';
import { runRequest } from '../../support/run-request.js';
import { threadState, turnEntries } from '../../support/thread-entries.js';

const request = runRequest();
const { correlationId } = request;
const run = { ...request, agentName: 'RefundAgent', threadId: 'thread-1' };
const LATER = '2999-01-01T00:00:00.000Z';

function approvalOf(callId: string, fields: Partial<Approval> = {}): Approval {
  const call = { callId, toolName: 'pay', arguments: { amount: 20 } };
  return { approvalId: callId, round: 1, index: 0, ...call, requestedAt: run.createdAt, expiresAt: LATER, ...fields };
}

const approved = { decision: { state: 'approved', decidedAt: run.createdAt } } as const;
const expired = { expiresAt: run.createdAt };

/** The state of a thread whose run waits for these approvals. */
function waitingFor(...approvals: Approval[]): ThreadState {
  const waitingRun = { request, steps: {}, approvals };
  return withWaitingState(createThreadState(), { waitingRun, deferredRuns: [], pastApprovals: [] });
}

function createReader(stateOf: () => unknown, runRecords = new RunRecords(new MemoryKeyValueStore())) {
  const durable = new FakeDurableClient(stateOf);
  const options = { durableClient: durable.client, runRecords, log: createRecordingLog() };
  return {
    durable,
    runRecords,
    log: options.log,
    read: (id = correlationId) => readRun({ ...run, correlationId: id }, options),
  };
}

describe('reading a run that waits for approval', () => {
  it('shows the calls that can still be approved', async () => {
    const state = waitingFor(approvalOf('call-1', approved), approvalOf('call-2'), approvalOf('call-3', expired));
    const { runRecords, read, durable } = createReader(() => state);
    await runRecords.suspend(run, undefined);

    expect(await read()).toMatchObject({
      status: 'waiting_for_approval',
      approvals: [{ callId: 'call-2' }],
    });
    expect(durable.signals).toMatchObject([{ operationName: 'resume' }]);
  });

  it.each([
    ['before its state is committed, in a new thread', undefined, []],
    ['before its state is committed, in another thread', threadState(), []],
    ['after all calls are decided', waitingFor(approvalOf('call-1', approved)), []],
    ['after all calls have expired, and resumes it', waitingFor(approvalOf('call-1', expired)), ['resume']],
  ])('shows it as running %s', async (_when, state, signals) => {
    const { runRecords, read, durable } = createReader(() => state);
    await runRecords.suspend(run, undefined);

    const known = await read();

    expect(known?.status).toBe('running');
    expect(known).not.toHaveProperty('approvals');
    expect(durable.signals.map(({ operationName }) => operationName)).toEqual(signals);
  });

  it('finds it without a record, and the messages that wait for it', async () => {
    const later = runRequest({ correlationId: 'b'.repeat(32), message: 'And now?' });
    const waitingRun = { request, steps: {}, approvals: [approvalOf('call-1')] };
    const waiting = { waitingRun, deferredRuns: [later], pastApprovals: [] };
    const { read } = createReader(() => withWaitingState(createThreadState(), waiting));

    expect(await read()).toMatchObject({ status: 'waiting_for_approval', message: request.message, attempt: 1 });
    expect(await read(later.correlationId)).toMatchObject({ status: 'queued', message: 'And now?', attempt: 0 });
    expect(await read('c'.repeat(32))).toBeUndefined();
  });
});

describe('reading a run that ends meanwhile', () => {
  it('shows its recorded end, which has more than the conversation', async () => {
    const records = new RunRecords(new MemoryKeyValueStore());
    const end = { status: 'completed', response: 'Sunny.', messageCount: 2, finishReason: 'length' } as const;
    const { read } = createReader(async () => {
      await records.end(run, { ...end, cost: { amount: 1, currency: 'EUR' }, firstUpdateAt: LATER });
      return threadState(...turnEntries(correlationId, run.message, { $type: 'text', text: 'Sunny.' }));
    }, records);
    await records.begin(run, 1);

    expect(await read()).toMatchObject({ ...end, cost: { amount: 1 }, firstUpdateAt: LATER });
  });
});

const answered = threadState(...turnEntries(correlationId, run.message, { $type: 'text', text: 'Sunny.' }));
const outage = new UnavailableError('The store is down.');

/** Records in a store whose accesses fail, after the first `working` ones, with this error. */
function failingRecords(error: Error = outage, working = 0): RunRecords {
  let calls = 0;
  return new RunRecords(
    new HookedKeyValueStore(() => {
      if ((calls += 1) > working) throw error;
    }),
  );
}

describe('reading a run', () => {
  it('returns the record of an ended run without reading the conversation', async () => {
    const { durable, runRecords, read } = createReader(() => undefined);
    await runRecords.end(run, { status: 'failed', errorCode: 'model_error', error: 'No.' });

    expect(await read()).toMatchObject({ status: 'failed', errorCode: 'model_error' });
    expect(durable.reads).toEqual([]);
  });

  it('returns an open record as it is, and sends no signal', async () => {
    const { durable, runRecords, read } = createReader(() => threadState());
    const { record } = await runRecords.accept(run);

    expect(await read()).toEqual(record);
    expect(durable.signals).toEqual([]);
  });

  it('corrects an open record if the conversation has the end', async () => {
    const { runRecords, read } = createReader(() => answered);
    await runRecords.begin(run, 1);

    expect(await read()).toMatchObject({ status: 'completed', response: 'Sunny.', attempt: 1 });
    expect(await runRecords.find(run)).toMatchObject({ status: 'completed' });
    expect(await runRecords.listOpen(run)).toEqual([]);
  });

  it('returns the end although the record cannot be corrected, and logs that', async () => {
    let isDown = false;
    const runRecords = new RunRecords(
      new HookedKeyValueStore(() => {
        if (isDown) throw outage;
      }),
    );
    const { log, read } = createReader(() => {
      isDown = true;
      return answered;
    }, runRecords);
    await runRecords.begin(run, 1);

    expect(await read()).toMatchObject({ status: 'completed', response: 'Sunny.' });
    expect(log.lines).toEqual([
      expect.stringContaining(`[RefundAgent][${correlationId}] its record could not be corrected`),
    ]);
  });

  it('finds an ended or waiting run in the conversation while the store is down', async () => {
    expect(await createReader(() => answered, failingRecords()).read()).toMatchObject({ status: 'completed' });
    const waiting = waitingFor(approvalOf('call-1'));
    expect(await createReader(() => waiting, failingRecords()).read()).toMatchObject({
      status: 'waiting_for_approval',
    });
  });

  it('fails while the store is down if the conversation does not have the run', async () => {
    await expect(createReader(() => threadState(), failingRecords()).read()).rejects.toBe(outage);
    await expect(createReader(() => undefined, failingRecords()).read()).rejects.toBe(outage);
  });

  it('fails with any other error of the store', async () => {
    const broken = new Error('Broken.');

    await expect(createReader(() => answered, failingRecords(broken)).read()).rejects.toBe(broken);
  });

  it('returns the record of a run in an unreadable thread, and fails without one', async () => {
    const { runRecords, read } = createReader(() => 'garbage');
    await expect(read()).rejects.toThrow(ThreadStateError);
    await runRecords.accept(run);

    expect(await read()).toMatchObject({ status: 'queued' });
  });

  it('fails if the host fails, even with a record', async () => {
    const { runRecords, read } = createReader(() => Promise.reject(new Error('The host is busy.')));
    await runRecords.accept(run);

    await expect(read()).rejects.toThrow('The host is busy.');
  });
});

describe('an ended run of the conversation', () => {
  const earlier = turnEntries('earlier', 'Before', { $type: 'text', text: 'Yes.' });
  const history = [...earlier, ...answered.data.conversationHistory];
  const order = `${String(Date.parse(run.createdAt)).padStart(13, '0')}00000`;

  it('consists of its request and its response', () => {
    expect(endedRunOf(history, correlationId)).toEqual({
      correlationId,
      message: run.message,
      createdAt: run.createdAt,
      order,
      attempt: 1,
      status: 'completed',
      endedAt: run.createdAt,
      response: 'Sunny.',
      messageCount: 4,
      usage: undefined,
    });
  });

  it('has the time of its response and no message if its request is missing', () => {
    expect(endedRunOf(history.slice(3), correlationId)).toMatchObject({
      message: '',
      createdAt: run.createdAt,
      order: '0'.repeat(18),
    });
    const untimed = [{ $type: 'response' as const, correlationId, messages: [] }];
    expect(endedRunOf(untimed, correlationId)).toMatchObject({ createdAt: '', order: '0'.repeat(18) });
  });

  it('keeps what its record says about its start', () => {
    const record = { ...queuedRun(run, '7'), message: 'As recorded', attempt: 3 };

    expect(endedRunOf(history, correlationId, record)).toMatchObject({
      message: 'As recorded',
      order: '7',
      attempt: 3,
      status: 'completed',
    });
  });

  it('is undefined without a response', () => {
    expect(endedRunOf(history.slice(0, 3), correlationId)).toBeUndefined();
  });

  it.each([
    ['rate_limited', 'failed'],
    ['cancelled', 'cancelled'],
  ])('with the error %s is %s', (errorCode, status) => {
    const details = { retryAfterSeconds: 3 };
    const failed = turnEntries(correlationId, 'Hi', { $type: 'error', message: 'No.', errorCode, details });

    const ended = endedRunOf(failed, correlationId);

    expect(ended).toMatchObject({ status, errorCode, error: 'No.', retryAfterSeconds: 3, endedAt: run.createdAt });
    expect(ended).not.toHaveProperty('response');
  });
});
