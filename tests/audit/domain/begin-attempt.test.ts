import { beforeEach, describe, expect, it } from 'vitest';
import { beginAttempt } from '../../../src/audit/domain/thread-changes.js';
import { failedEvent, finalEvent, runId, runOf, streamEvent } from '../../support/callback-events.js';
import { LATER, STARTED_AT, kept, superseded, a, KeptThread } from './kept-thread.js';

let record: KeptThread;

beforeEach(() => {
  record = new KeptThread();
});

describe('beginning an attempt', () => {
  it('starts the log of a thread, and adds the run', () => {
    record.begin('one');
    expect(record.run()).toMatchObject({ ...runOf(), attempts: [{ attempt: 1, token: 'one' }] });
    expect(record.head).toMatchObject({
      epoch: expect.stringMatching(/^[0-9a-z]{15}$/),
      version: 1,
      oldestSequence: 1,
      newestSequence: 0,
    });
  });

  it('gives each log its own epoch', () => {
    const unknown = { head: undefined, run: undefined };
    const decisions = [1, 2, 3].map(() => beginAttempt(unknown, runOf(), 'one', STARTED_AT));
    expect(new Set(decisions.map(({ change }) => change?.head.epoch)).size).toBe(3);
  });

  it('assigns the next number, and updates the head', () => {
    for (const attempt of [1, 2, 3]) {
      expect(record.begin(`token ${attempt}`)).toMatchObject({ attempt });
      expect(record.head?.newestAttempt).toEqual({ correlationId: runId(1), attempt });
    }
    expect(record.begin('another run', { run: 2 })).toMatchObject({ attempt: 1 });
    expect(record.head?.newestAttempt).toEqual({ correlationId: runId(2), attempt: 1 });
    expect(record.run().attempts.map(({ token }) => token)).toEqual(['token 1', 'token 2', 'token 3']);
  });

  it('changes nothing if the newest attempt has the token', () => {
    record.begin('one');
    record.append(record.begin('two'), 0, a);
    expect(beginAttempt(record.state(), runOf(), 'two', 'whenever')).toEqual({ result: 2 });
  });

  it('changes nothing if the attempt with the token was superseded', () => {
    const zombie = record.begin('one');
    const successor = record.begin('two');
    expect(beginAttempt(record.state(), runOf(), 'one', 'whenever')).toEqual({ result: 1 });
    expect(record.append(zombie, 0, a)).toEqual(superseded);
    expect(record.append(successor, 0, a)).toEqual(kept);
  });

  it('keeps the time at which the run was first accepted', () => {
    record.begin('first');
    record.apply(beginAttempt(record.state(), { ...runOf(), acceptedAt: LATER }, 'one', STARTED_AT));
    expect(record.run()).toMatchObject(runOf());
  });

  it('changes nothing if the attempt started long before the newest one and arrives late', () => {
    const newest = record.begin('two');
    const before = record.head;
    const late = record.begin('one', { startedAt: '2026-01-07T15:40:29.999Z', waitedMs: 30_001 });
    expect(late.attempt).toBe(1);
    expect(record.head).toBe(before);
    expect(record.append(late, 0, streamEvent())).toEqual(superseded);
    expect(record.append(newest, 0, finalEvent())).toEqual(kept);
    expect(record.append(late, 0, streamEvent(), finalEvent('old'))).toEqual(superseded);
  });

  it('supersedes the earlier attempt even if the clock was set back between crash and restart', () => {
    record.begin('one', { startedAt: '2026-01-07T15:41:00.000Z' });
    expect(record.begin('two', { startedAt: '2026-01-07T14:41:00.000Z', waitedMs: 20 })).toMatchObject({ attempt: 2 });
  });

  it('supersedes the newest known attempt if it started later, even if it arrives late', () => {
    record.begin('one');
    const startedAt = '2026-01-07T15:43:00.000Z';
    expect(record.begin('two', { startedAt, waitedMs: 60_000 })).toMatchObject({ attempt: 2 });
  });

  it('prefers the attempt that arrives last if start times differ by no more than the clock tolerance', () => {
    record.begin('one');
    expect(record.begin('two', { startedAt: '2026-01-07T15:40:30.000Z' })).toMatchObject({ attempt: 2 });
    expect(record.begin('three', { startedAt: '2026-01-07T15:40:00.000Z' })).toMatchObject({ attempt: 3 });
  });

  it('subtracts the earlier failure of the run, once', () => {
    record.append(record.begin('other', { run: 2 }), 0, failedEvent());
    record.append(record.begin('one'), 0, failedEvent());
    expect(record.head?.totals).toMatchObject({ runCount: 2, failedRunCount: 2 });
    record.begin('two');
    record.begin('two');
    record.begin('three');
    expect(record.head?.totals).toMatchObject({ runCount: 2, failedRunCount: 1 });
  });

  it('keeps the latest twenty attempts, and continues the numbering', () => {
    for (let number = 1; number <= 23; number += 1) record.begin(`token ${number}`);
    const attempts = record.run().attempts.map(({ attempt }) => attempt);
    expect(attempts).toEqual(Array.from({ length: 20 }, (_, index) => index + 4));
    expect(beginAttempt(record.state(), runOf(), 'token 24', STARTED_AT).result).toBe(24);
  });
});
