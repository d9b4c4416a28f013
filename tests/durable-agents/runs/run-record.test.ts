import { describe, expect, it } from 'vitest';
import {
  begunRun,
  CANCELLED_END,
  endedRun,
  isEnded,
  parseRunRecord,
  queuedRun,
  RUN_STATUSES,
  type RunRecord,
  suspendedRun,
  usageOf,
} from '../../../src/durable-agents/runs/run-record.js';

const [EARLY, LATE] = ['2026-01-07T15:40:01.000Z', '2026-01-07T15:40:02.000Z'];
const accepted = {
  correlationId: 'a',
  message: 'Hi',
  createdAt: '2026-01-07T15:40:00.000Z',
  order: '1',
};
const identity = { agentName: 'ScriptedAgent', threadId: 'thread-1' };
const queued = queuedRun({ ...identity, ...accepted }, accepted.order);
const waiting: RunRecord = {
  ...accepted,
  status: 'waiting_for_approval',
  startedAt: EARLY,
  firstUpdateAt: EARLY,
  attempt: 2,
};

describe('the status of a run', () => {
  it('is final if the run has completed, failed or was cancelled', () => {
    expect(RUN_STATUSES.filter((status) => isEnded({ status }))).toEqual(['completed', 'failed', 'cancelled']);
  });
});

describe('a queued run', () => {
  it('has no attempt, and nothing of its thread', () => {
    expect(queued).toEqual({ ...accepted, status: 'queued', attempt: 0 });
  });
});

describe('a run that begins', () => {
  it('counts its deliveries, at least one more than before', () => {
    expect(begunRun(queued, 1, LATE)).toEqual({ ...accepted, status: 'running', startedAt: LATE, attempt: 1 });
    expect(begunRun(queued, 4, LATE).attempt).toBe(4);
    expect(begunRun({ ...queued, attempt: 3 }, 2, LATE).attempt).toBe(4);
  });

  it('keeps its first start, and whether it interrupts', () => {
    const earlier = { ...queued, startedAt: EARLY, interrupts: true };
    expect(begunRun(earlier, 1, LATE)).toMatchObject({ startedAt: EARLY, interrupts: true });
  });

  it('keeps its attempt and its first update if it continues after a wait', () => {
    expect(begunRun(waiting, 5, LATE, true)).toEqual({ ...waiting, status: 'running' });
    const { firstUpdateAt: _shown, ...unseen } = waiting;
    expect(begunRun(unseen, 5, LATE, true)).toEqual({ ...unseen, status: 'running' });
  });

  it('loses everything of an earlier delivery if it starts over', () => {
    const failed = endedRun({ ...waiting, cancelRequestedAt: EARLY }, CANCELLED_END, LATE);
    expect(begunRun(failed, 1, LATE)).toEqual({ ...accepted, status: 'running', startedAt: EARLY, attempt: 3 });
  });
});

describe('a run that waits for approval', () => {
  it('keeps the time of the first update that callers saw', () => {
    expect(suspendedRun({ ...waiting, status: 'running' }, LATE)).toEqual(waiting);
    expect(suspendedRun(queued, LATE)).toEqual({ ...queued, status: 'waiting_for_approval', firstUpdateAt: LATE });
  });
});

describe('a run that ends', () => {
  const completed = { status: 'completed', response: 'Sunny.', messageCount: 2, firstUpdateAt: LATE } as const;

  it('has its outcome, its times and its attempt', () => {
    expect(endedRun({ ...queued, startedAt: EARLY, attempt: 2, interrupts: true }, completed, LATE)).toEqual({
      ...accepted,
      ...completed,
      interrupts: true,
      startedAt: EARLY,
      attempt: 2,
      endedAt: LATE,
    });
  });

  it('keeps the first update of an earlier part, the cancellation and the drop', () => {
    const record = { ...waiting, cancelRequestedAt: EARLY, droppedAt: EARLY };
    expect(endedRun(record, completed, LATE)).toMatchObject({
      firstUpdateAt: EARLY,
      cancelRequestedAt: EARLY,
      droppedAt: EARLY,
    });
  });
});

describe('a stored record', () => {
  it('is read as it was written', () => {
    const cost = { amount: 0.1, currency: 'EUR' };
    const usage = { inputTokenCount: 1, outputTokenCount: 2, totalTokenCount: 3, extra: { cached: 1 } };
    const record = {
      ...waiting,
      status: 'failed',
      errorCode: 'rate_limited',
      retryAfterSeconds: 0,
      cost,
      usage,
    } as const;
    expect(parseRunRecord(JSON.stringify(record))).toEqual(record);
  });

  it.each([
    ['status', 'unknown'],
    ['attempt', -1],
    ['attempt', 0.5],
    ['retryAfterSeconds', -1],
    ['message', 1],
  ])('is rejected if its %s is %j', (name, value) => {
    expect(() => parseRunRecord(JSON.stringify({ ...queued, [name]: value }))).toThrow(`"${name}"`);
  });
});

describe('the usage of a stored response', () => {
  const tokens = { inputTokenCount: 1, outputTokenCount: 2, totalTokenCount: 3 };

  it('contains all counts, with those of the model as extra', () => {
    expect(usageOf({ usage: tokens })).toEqual(tokens);
    expect(usageOf({ usage: { ...tokens, extensionData: { cached: 1 } } })).toEqual({
      ...tokens,
      extra: { cached: 1 },
    });
  });

  it.each([
    undefined,
    null,
    {},
    { ...tokens, totalTokenCount: null },
    { ...tokens, extensionData: { cached: 'many' } },
  ])('is undefined for %j', (usage) => {
    expect(usageOf({ usage })).toBeUndefined();
  });
});
