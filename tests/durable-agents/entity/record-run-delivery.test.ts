import { describe, expect, it } from 'vitest';
import { WaitingThreads } from '../../../src/durable-agents/approvals/waiting-threads.js';
import { RunDelivery } from '../../../src/durable-agents/entity/run-delivery.js';
import { AgentError } from '../../../src/durable-agents/errors.js';
import { RunRecords } from '../../../src/durable-agents/runs/run-records.js';
import { ThreadIndex } from '../../../src/durable-agents/threads/thread-index.js';
import { HookedKeyValueStore } from '../../support/hooked-key-value-store.js';
import { createRecordingLog } from '../../support/recording-log.js';
import { runRequest } from '../../support/run-request.js';
import { turnEntries } from '../../support/thread-entries.js';

const run = { ...runRequest(), agentName: 'ScriptedAgent', threadId: 'thread-1' };

function createDelivery(setup: { onStore?: () => unknown } = {}) {
  const storage = new HookedKeyValueStore(() => setup.onStore?.());
  const [runRecords, threadIndex] = [new RunRecords(storage), new ThreadIndex(storage)];
  const log = createRecordingLog();
  const waitingThreads = new WaitingThreads(storage);
  const delivery = new RunDelivery({ runRecords, threadIndex, waitingThreads, run, shownMessage: 'Hi', log });
  return { delivery, runRecords, threadIndex, log, setup };
}

const outage = () => {
  throw new Error('The store is down.');
};

const aborted = (signal: AbortSignal) =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(signal.reason), { once: true }));

describe('the delivery of a run', () => {
  it('is aborted when the run is cancelled', async () => {
    const { delivery, runRecords } = createDelivery();
    await delivery.begin(1, false);
    expect(delivery.signal.aborted).toBe(false);
    expect(await delivery.isCancelRequested()).toBe(false);

    const reason = aborted(delivery.signal);
    await runRecords.cancel(run);

    expect(await reason).toEqual(new AgentError('cancelled', 'The run was cancelled.'));
    expect(await delivery.isCancelRequested()).toBe(true);
    delivery.close();
  });

  it('starts as aborted if the run was cancelled before', async () => {
    const { delivery, runRecords } = createDelivery();
    await runRecords.accept(run);
    await runRecords.cancel(run);

    expect(await delivery.begin(1, false)).toMatchObject({ status: 'cancelled' });

    expect(delivery.signal.reason).toMatchObject({ code: 'cancelled' });
    expect(await delivery.isCancelRequested()).toBe(true);
  });

  it('lists the thread with the status of the run', async () => {
    const { delivery, threadIndex } = createDelivery();
    const status = async () => (await threadIndex.find(run))?.status;

    await delivery.begin(1, false);
    await expect.poll(status).toBe('running');
    await delivery.suspend({ request: runRequest(), steps: {}, approvals: [] }, undefined);
    expect(await status()).toBe('waiting_for_approval');
    await delivery.end({ status: 'completed', response: 'Sunny.', messageCount: 2 });
    expect(await status()).toBe('completed');
    expect(await threadIndex.find(run)).toMatchObject({ title: 'Hi' });
  });

  it('logs what could not be written, with the run and its thread', async () => {
    const { delivery, log } = createDelivery({ onStore: outage });

    await delivery.begin(1, false);
    expect(await delivery.isCancelRequested()).toBe(false);
    await delivery.suspend({ request: runRequest(), steps: {}, approvals: [] }, undefined);
    await delivery.end({ status: 'completed' });
    await delivery.repair([]);
    await delivery.noteDropped([turnEntries('a', 'Hi')]);

    const where = `warn [ScriptedAgent][${run.correlationId}] `;
    const failures = log.lines.map((line) => line.slice(where.length).split(':')[0] ?? '');
    expect(log.lines.every((line) => line.startsWith(where) && line.endsWith('(thread thread-1)'))).toBe(true);
    expect(failures.toSorted()).toEqual([
      'dropped turns could not be recorded for their runs',
      'its record could not be read',
      'the end of the run could not be recorded',
      'the end of the run could not be recorded',
      'the expiry of its approvals could not be recorded',
      'the list of threads could not be updated',
      'the list of threads could not be updated',
      'the run could not be recorded as waiting',
      'the start of the run could not be recorded',
    ]);
  });
});

describe('repairing the record of an answered run', () => {
  const answered = turnEntries(run.correlationId, run.message, { $type: 'text', text: 'Sunny.' });

  it('ends an open record, and changes no other', async () => {
    const { delivery, runRecords } = createDelivery();
    await delivery.repair(answered);
    expect(await runRecords.find(run)).toBeUndefined();
    await runRecords.accept(run);

    await delivery.repair([]);
    expect(await runRecords.find(run)).toMatchObject({ status: 'queued' });
    await delivery.repair(answered);
    expect(await runRecords.find(run)).toMatchObject({ status: 'completed', response: 'Sunny.' });
  });
});

describe('noting dropped turns', () => {
  it('records each run as dropped, with its end at that time, and skips turns without a run', async () => {
    const { delivery, runRecords, log } = createDelivery();
    const turns = ['a', 'b'].map((id) => turnEntries(id, 'Hi', { $type: 'text', text: `Answer ${id}` }));

    await delivery.noteDropped([[{ $type: 'compaction' }], ...turns]);

    const records = await Promise.all(['a', 'b'].map((correlationId) => runRecords.find({ ...run, correlationId })));
    expect(records).toMatchObject([
      { response: 'Answer a', messageCount: 3, droppedAt: expect.any(String) },
      { response: 'Answer b', messageCount: 5, droppedAt: expect.any(String) },
    ]);
    expect(log.lines).toEqual([]);
  });
});
