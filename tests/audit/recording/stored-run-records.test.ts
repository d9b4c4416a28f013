import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eventsOf } from '../../../src/audit/http/read-events.js';
import { StoredRunRecords, type StoredRunRecordsOptions } from '../../../src/audit/recording/stored-run-records.js';
import { appendEvents, writerFor } from '../../support/append-events.js';
import { ANSWER, failedEvent, finalEvent, runId, runOf, streamEvent, thread } from '../../support/callback-events.js';
import { callbackInvocation } from '../../support/callback-invocation.js';
import { HookedEventStore, unreachable } from '../../support/hooked-event-store.js';
import { createRecordingLog } from '../../support/recording-log.js';

const ENDED_AT = Date.parse('2026-01-07T15:40:02.123Z');

/** Records of runs in a store, whose conversation holds {@link ANSWER} to each of the runs `answered`. */
function createRecords(answered: readonly string[] = [], read?: StoredRunRecordsOptions['readAnsweredRuns']) {
  const store = new HookedEventStore();
  const log = createRecordingLog();
  const looks: string[] = [];
  const clock = { now: ENDED_AT + 1001 };
  const context = callbackInvocation();
  const records = new StoredRunRecords({
    store,
    readAnsweredRuns: (given, agentName, threadId) => {
      expect(given).toBe(context);
      looks.push(`${agentName} ${threadId}`);
      return read?.(given, agentName, threadId) ?? Promise.resolve(new Map(answered.map((id) => [id, ANSWER])));
    },
    log,
    now: () => clock.now,
  });
  const lookOver = async () => records.withCommitted(await store.list(thread), context);
  return { store, log, looks, clock, records, lookOver };
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}

describe('the stored records of runs', () => {
  it('hold the message with which a run was accepted first', async () => {
    const { store, records } = createRecords();
    const run = { ...thread, correlationId: runId(1), requestedAt: '2026-01-07T15:40:01.000Z' };
    expect(await records.accept({ ...run, requestMessage: 'first' })).toBe('first');
    expect(await records.accept({ ...run, requestMessage: 'second', requestedAt: '2026-01-08T00:00:00.000Z' })).toBe(
      'first',
    );
    expect(await store.readRun(thread, runId(1))).toMatchObject({
      requestMessage: 'first',
      acceptedAt: '2026-01-07T15:40:01.000Z',
    });
  });

  it('tell of a store that is out of reach', async () => {
    const { store, records } = createRecords();
    store.hooks.before = unreachable;
    const run = { ...thread, correlationId: runId(1) };
    await expect(records.accept({ ...run, requestMessage: '', requestedAt: '' })).rejects.toMatchObject({
      status: 503,
    });
    await expect(records.committed(run, ANSWER)).rejects.toMatchObject({ status: 503 });
  });

  it('are marked for a run whose answer is in the conversation', async () => {
    const { store, records } = createRecords();
    await appendEvents(store, [finalEvent()]);
    await records.committed({ ...thread, correlationId: runId(1) }, ANSWER);
    expect(await store.readRun(thread, runId(1))).toMatchObject({ committed: true });
    expect(eventsOf(await store.list(thread))).toMatchObject([{ event_type: 'final', committed: true }]);
  });

  it('are not marked for a run whose kept answer is not the one in the conversation', async () => {
    const { store, records } = createRecords();
    await appendEvents(store, [finalEvent('of a delivery whose state was not saved')]);
    await records.committed({ ...thread, correlationId: runId(1) }, ANSWER);
    expect(await store.readRun(thread, runId(1))).toMatchObject({ committed: false });
  });
});

describe('a page with answers that are not marked as committed', () => {
  it('is served with the marks of those that are in the conversation, which the store gets too', async () => {
    const { store, looks, log, lookOver } = createRecords([runId(1), runId(3), runId(9)]);
    for (const run of [1, 2, 3]) await appendEvents(store, [streamEvent(), finalEvent()], { run });
    const page = await lookOver();
    const marked = eventsOf(page).filter((event) => 'committed' in event);
    expect(marked.map((event) => [event.correlation_id, event.event_type])).toEqual([
      [runId(1), 'final'],
      [runId(3), 'final'],
    ]);
    expect(eventsOf(await store.list(thread))).toEqual(eventsOf(page));
    expect(looks).toEqual(['CallbackAgent thread-1']);
    expect(log.lines).toEqual([]);
  });

  it('is not looked over again for an answer that was found', async () => {
    const { store, looks, clock, lookOver } = createRecords([runId(1)]);
    await appendEvents(store, [finalEvent()]);
    await lookOver();
    clock.now += 60_000;
    const page = await store.list(thread);
    expect(eventsOf(await lookOver())).toEqual(eventsOf(page));
    expect(looks).toHaveLength(1);
  });

  it.each([
    [1000, 0],
    [1001, 1],
  ])('is looked over %i ms after an answer %i times', async (ageMs, expected) => {
    const { store, looks, clock, lookOver } = createRecords();
    await appendEvents(store, [finalEvent()]);
    clock.now = ENDED_AT + ageMs;
    await lookOver();
    expect(looks).toHaveLength(expected);
  });

  it('is looked over once in 10 s for answers that are not found', async () => {
    const { store, looks, clock, lookOver } = createRecords();
    await appendEvents(store, [finalEvent()]);
    for (const [laterMs, expected] of [
      [0, 1],
      [9_999, 1],
      [1, 1],
      [1, 2],
      [5_000, 2],
    ] as const) {
      clock.now += laterMs;
      const page = await store.list(thread);
      expect(await lookOver()).toBe(page);
      expect(looks).toHaveLength(expected);
    }
  });

  it('is looked over at once for another answer', async () => {
    const { store, looks, lookOver } = createRecords([runId(2)]);
    await appendEvents(store, [finalEvent()]);
    await lookOver();
    await appendEvents(store, [finalEvent()], { run: 2 });
    expect(eventsOf(await lookOver())).toMatchObject([{ attempt: 1 }, { committed: true }]);
    expect(looks).toHaveLength(2);
  });

  it('is served without a mark on an answer in whose place the conversation has another one', async () => {
    const { store, looks, lookOver } = createRecords([runId(1), runId(2)]);
    await appendEvents(store, [finalEvent('of a delivery whose state was not saved')]);
    await appendEvents(store, [finalEvent()], { run: 2 });
    expect(eventsOf(await lookOver()).map((event) => 'committed' in event)).toEqual([false, true]);
    expect(looks).toHaveLength(1);
    expect(await store.readRun(thread, runId(1))).toMatchObject({ committed: false });
  });

  it('remembers a thousand answers that were not found', async () => {
    const { store, looks, lookOver } = createRecords();
    for (let run = 1; run <= 1000; run += 1) await appendEvents(store, [finalEvent()], { run });
    await lookOver();
    await lookOver();
    expect(looks).toHaveLength(1);
    await appendEvents(store, [finalEvent()], { run: 1001 });
    await lookOver();
    expect(looks).toHaveLength(2);
    await lookOver();
    expect(looks).toHaveLength(3);
  });

  it.each<[string, (store: HookedEventStore) => Promise<unknown>]>([
    ['no answer', (store) => appendEvents(store, [streamEvent()])],
    ['a failure', (store) => appendEvents(store, [streamEvent(), failedEvent()])],
    [
      'an answer of an attempt that is void',
      async (store) => {
        await writerFor(store).final('void');
        await writerFor(store).stream('half an answer');
      },
    ],
    [
      'an answer of an attempt in whose place another one has only begun',
      async (store) => {
        await writerFor(store).final('void');
        await writerFor(store).begin();
      },
    ],
    ['nothing', (store) => writerFor(store).accept()],
  ])('is not looked over when there is %s', async (_what, append) => {
    const { store, looks, lookOver } = createRecords([runId(1)]);
    await append(store);
    const page = await store.list(thread);
    expect(eventsOf(await lookOver())).toEqual(eventsOf(page));
    expect(looks).toEqual([]);
    expect((await store.readRun(thread, runOf().correlationId))?.committed).toBe(false);
  });
});

describe('a page whose answers cannot be looked for', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));

  afterEach(() => void vi.useRealTimers());

  it.each<[string, StoredRunRecordsOptions['readAnsweredRuns'] | undefined, HookedEventStore['hooks'], string]>([
    ['as the conversation cannot be read', () => Promise.reject(new Error('entity?')), {}, 'Error: entity?'],
    ['as the conversation is not read in time', never, {}, '2000 ms'],
    [
      'as the store does not take the mark',
      undefined,
      { before: (method) => (method === 'markRun' ? unreachable() : undefined) },
      'ECONNREFUSED',
    ],
    [
      'as the store does not take the mark in time',
      undefined,
      { before: (method) => (method === 'markRun' ? never() : undefined) },
      '2000 ms',
    ],
  ])('is served as it is, %s', async (_why, read, hooks, reason) => {
    const { store, looks, log, clock, lookOver } = createRecords([runId(1)], read);
    await appendEvents(store, [streamEvent(), finalEvent()]);
    Object.assign(store.hooks, hooks);
    const page = await store.list(thread);
    const served = lookOver();
    await vi.advanceTimersByTimeAsync(2000);
    expect(await served).toBe(page);
    expect(log.lines).toEqual([
      expect.stringMatching(
        /^warn \[CallbackAgent\] which answers are in the conversation is not known now: .*\(thread thread-1\)$/,
      ),
    ]);
    expect(log.lines[0]).toContain(reason);
    expect(vi.getTimerCount()).toBe(0);

    clock.now += 10_000;
    await lookOver();
    expect(looks).toHaveLength(1);
  });
});
