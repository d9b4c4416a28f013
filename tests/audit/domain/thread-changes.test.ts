import { beforeEach, describe, expect, it } from 'vitest';
import type { OpenAttempt } from '../../../src/audit/domain/recorded-run.js';
import type { StoredEvent, NewEvent } from '../../../src/audit/domain/stored-event.js';
import {
  appendEvents,
  beginAttempt,
  clearThread,
  type Decision,
  dropOldest,
  isReached,
  type ThreadSnapshot,
} from '../../../src/audit/domain/thread-changes.js';
import type { RecordedRun } from '../../../src/audit/domain/recorded-run.js';
import type { ThreadHead } from '../../../src/audit/domain/thread-head.js';
import { failedEvent, finalEvent, runId, runOf, streamEvent, thread } from '../../support/callback-events.js';

const LATER = '2026-01-07T15:50:00.000Z';
const STARTED_AT = '2026-01-07T15:41:00.000Z';
const kept = { status: 'kept', lostEvents: 0 };
const superseded = { status: 'superseded' };
const a = streamEvent('a');
const b = streamEvent('b');
const c = streamEvent('c');

/** Keeps what the changes say. */
class KeptThread {
  head: ThreadHead | undefined;
  runs = new Map<string, RecordedRun>();
  events: StoredEvent[] = [];

  state(run = 1): ThreadSnapshot {
    return { head: this.head, run: this.runs.get(runId(run)) };
  }

  run(number = 1): RecordedRun {
    const run = this.runs.get(runId(number));
    if (run === undefined) throw new Error(`There is no run ${number}.`);
    return run;
  }

  apply<Result>({ change, result }: Decision<Result>): Result {
    if (change === undefined) return result;
    const { head, run, isNewMessage } = change;
    if (isNewMessage !== (run !== undefined && !this.runs.has(run.correlationId))) throw new Error('Is the run new?');
    if (head.version !== (this.head?.version ?? 0) + 1) throw new Error('A change makes a new version.');
    if (this.head !== undefined && head.epoch !== this.head.epoch) {
      this.runs.clear();
      this.events = [];
    }
    if (run !== undefined) this.runs.set(run.correlationId, run);
    this.head = head;
    this.events.push(...change.events);
    return result;
  }

  begin(token: string, { run = 1, startedAt = STARTED_AT, waitedMs = 0 } = {}): OpenAttempt {
    const attempt = this.apply(beginAttempt(this.state(run), runOf(run), token, startedAt, waitedMs));
    return { thread, run: runOf(run), attempt, token, startedAt };
  }

  append(writer: OpenAttempt, firstIndex: number, ...events: readonly NewEvent[]) {
    const number = Number.parseInt(writer.run.correlationId, 16);
    return this.apply(appendEvents(this.state(number), writer, firstIndex, events));
  }

  clear(): void {
    this.apply(clearThread(this.head));
  }
}

let record: KeptThread;

beforeEach(() => {
  record = new KeptThread();
});

describe('beginning an attempt', () => {
  it('begins the log of a thread, and adds the run', () => {
    record.begin('one');
    expect(record.run()).toMatchObject({ ...runOf(), attempts: [{ attempt: 1, token: 'one' }] });
    expect(record.head).toMatchObject({
      epoch: expect.stringMatching(/^[0-9a-z]{15}$/),
      version: 1,
      oldestSequence: 1,
      newestSequence: 0,
    });
  });

  it('gives each log an epoch of its own', () => {
    const unknown = { head: undefined, run: undefined };
    const decisions = [1, 2, 3].map(() => beginAttempt(unknown, runOf(), 'one', STARTED_AT));
    expect(new Set(decisions.map(({ change }) => change?.head.epoch)).size).toBe(3);
  });

  it('gives the next number, and tells of it in the head', () => {
    for (const attempt of [1, 2, 3]) {
      expect(record.begin(`token ${attempt}`)).toMatchObject({ attempt });
      expect(record.head?.newestAttempt).toEqual({ correlationId: runId(1), attempt });
    }
    expect(record.begin('another run', { run: 2 })).toMatchObject({ attempt: 1 });
    expect(record.head?.newestAttempt).toEqual({ correlationId: runId(2), attempt: 1 });
    expect(record.run().attempts.map(({ token }) => token)).toEqual(['token 1', 'token 2', 'token 3']);
  });

  it('changes nothing when the newest attempt has the token', () => {
    record.begin('one');
    record.append(record.begin('two'), 0, a);
    expect(beginAttempt(record.state(), runOf(), 'two', 'whenever')).toEqual({ result: 2 });
  });

  it('changes nothing either when the attempt with the token was superseded: it stays so', () => {
    const zombie = record.begin('one');
    const successor = record.begin('two');
    expect(beginAttempt(record.state(), runOf(), 'one', 'whenever')).toEqual({ result: 1 });
    expect(record.append(zombie, 0, a)).toEqual(superseded);
    expect(record.append(successor, 0, a)).toEqual(kept);
  });

  it('keeps when the run was accepted first', () => {
    record.begin('first');
    record.apply(beginAttempt(record.state(), { ...runOf(), acceptedAt: LATER }, 'one', STARTED_AT));
    expect(record.run()).toMatchObject(runOf());
  });

  it('changes nothing when it began long before the newest attempt, and was only cut off from the store', () => {
    const newest = record.begin('two');
    const before = record.head;
    const late = record.begin('one', { startedAt: '2026-01-07T15:40:29.999Z', waitedMs: 30_001 });
    expect(late.attempt).toBe(1);
    expect(record.head).toBe(before);
    expect(record.append(late, 0, streamEvent())).toEqual(superseded);
    expect(record.append(newest, 0, finalEvent())).toEqual(kept);
    expect(record.append(late, 0, streamEvent(), finalEvent('old'))).toEqual(superseded);
  });

  it('is the newest when the clock was set back between the crash and the restart', () => {
    record.begin('one', { startedAt: '2026-01-07T15:41:00.000Z' });
    expect(record.begin('two', { startedAt: '2026-01-07T14:41:00.000Z', waitedMs: 20 })).toMatchObject({ attempt: 2 });
  });

  it('is the newest when it was cut off from the store, and began after the newest known one', () => {
    record.begin('one');
    const startedAt = '2026-01-07T15:43:00.000Z';
    expect(record.begin('two', { startedAt, waitedMs: 60_000 })).toMatchObject({ attempt: 2 });
  });

  it('goes by what it hears of last when times are no further apart than clocks may differ', () => {
    record.begin('one');
    expect(record.begin('two', { startedAt: '2026-01-07T15:40:30.000Z' })).toMatchObject({ attempt: 2 });
    expect(record.begin('three', { startedAt: '2026-01-07T15:40:00.000Z' })).toMatchObject({ attempt: 3 });
  });

  it('takes back that the run has failed, once', () => {
    record.append(record.begin('other', { run: 2 }), 0, failedEvent());
    record.append(record.begin('one'), 0, failedEvent());
    expect(record.head?.totals).toMatchObject({ runCount: 2, failedRunCount: 2 });
    record.begin('two');
    record.begin('two');
    record.begin('three');
    expect(record.head?.totals).toMatchObject({ runCount: 2, failedRunCount: 1 });
  });

  it('keeps the latest twenty attempts, and goes on counting', () => {
    for (let number = 1; number <= 23; number += 1) record.begin(`token ${number}`);
    const attempts = record.run().attempts.map(({ attempt }) => attempt);
    expect(attempts).toEqual(Array.from({ length: 20 }, (_, index) => index + 4));
    expect(beginAttempt(record.state(), runOf(), 'token 24', STARTED_AT).result).toBe(24);
  });
});

describe('appending events', () => {
  it('gives them the next sequences, and the run and attempt of their writer', () => {
    const first = record.begin('one');
    record.append(first, 0, a, b);
    record.append(record.begin('other', { run: 2 }), 0, c);
    record.append(record.begin('two'), 0, finalEvent());
    expect(record.events).toEqual([
      { ...a, sequence: 1, correlationId: runId(1), attempt: 1 },
      { ...b, sequence: 2, correlationId: runId(1), attempt: 1 },
      { ...c, sequence: 3, correlationId: runId(2), attempt: 1 },
      expect.objectContaining({ sequence: 4, correlationId: runId(1), attempt: 2 }),
    ]);
    expect(record.events[3]).not.toHaveProperty('tokens');
    expect(record.head).toMatchObject({ oldestSequence: 1, newestSequence: 4 });
  });

  it('notes how far the attempt has come, and how it ended', () => {
    const writer = record.begin('one');
    const begun = { attempt: 1, token: 'one', startedAt: STARTED_AT };
    record.append(writer, 0, a, b);
    expect(record.run().attempts).toEqual([{ ...begun, eventCount: 2, lostEvents: 0, lastSequence: 2 }]);
    const final = finalEvent('abc', '2026-01-07T15:42:00.000Z');
    record.append(writer, 2, c, final);
    const ended = { outcome: 'final' };
    expect(record.run().attempts).toEqual([{ ...begun, eventCount: 4, lostEvents: 0, lastSequence: 4, ...ended }]);
  });

  it.each<[string, number, NewEvent[], string]>([
    ['nothing', 2, [], 'ab'],
    ['what is there', 0, [a, b], 'ab'],
    ['the end of what is there', 1, [b], 'ab'],
    ['the beginning of what is there', 0, [a], 'ab'],
    ['what is there, and more', 0, [a, b, c], 'abc'],
    ['an end of what is there, and more', 1, [b, c], 'abc'],
    ['what comes next', 2, [c], 'abc'],
  ])('adds what is new of %s', (_what, firstIndex, events, texts) => {
    const writer = record.begin('one');
    record.append(writer, 0, a, b);
    const before = record.head;
    expect(record.append(writer, firstIndex, ...events)).toEqual(kept);
    expect(record.events.map(({ fields }) => JSON.parse(`{${fields}}`).text).join('')).toBe(texts);
    expect(record.run().attempts).toMatchObject([{ eventCount: texts.length, lostEvents: 0 }]);
    expect(record.head === before).toBe(texts === 'ab');
  });

  it('adds up what was lost, and says so each time', () => {
    const writer = record.begin('one');
    expect(record.append(writer, 2, a)).toEqual({ status: 'kept', lostEvents: 2 });
    expect(record.append(writer, 2, a)).toEqual({ status: 'kept', lostEvents: 2 });
    expect(record.append(writer, 3, b)).toEqual({ status: 'kept', lostEvents: 2 });
    expect(record.append(writer, 7, c)).toEqual({ status: 'kept', lostEvents: 5 });
    expect(record.run().attempts).toMatchObject([{ eventCount: 8, lostEvents: 5, lastSequence: 3 }]);
  });

  it('adds up a run that has several attempts once', () => {
    record.begin('none');
    record.append(record.begin('one'), 0, streamEvent('a', '2026-01-07T15:40:01.000Z'), finalEvent());
    record.append(record.begin('two'), 0, a, b);
    record.append(record.begin('three'), 0, finalEvent('ab', '2026-01-07T15:40:09.000Z'));
    expect(record.head?.totals).toEqual({
      firstEventAt: '2026-01-07T15:40:01.000Z',
      lastEventAt: '2026-01-07T15:40:09.000Z',
      lastEventType: 'final',
      runCount: 1,
      failedRunCount: 0,
      inputTokenCount: 118,
      outputTokenCount: 28,
      totalTokenCount: 146,
    });
  });

  it('leaves what it was given as it was', () => {
    const writer = record.begin('one');
    record.append(writer, 0, a);
    const state = record.state();
    const before = structuredClone(state);
    appendEvents(state, writer, 1, [b, finalEvent()]);
    beginAttempt(state, runOf(), 'two', STARTED_AT);
    clearThread(state.head);
    expect(state).toEqual(before);
  });
});

describe('an attempt that was superseded', () => {
  it('adds nothing, not even what it has added', () => {
    const zombie = record.begin('one');
    record.append(zombie, 0, a);
    const successor = record.begin('two');
    for (const firstIndex of [0, 1, 9]) {
      expect(appendEvents(record.state(), zombie, firstIndex, [b])).toEqual({ result: superseded });
    }
    expect(record.append(successor, 0, c)).toEqual(kept);
    expect(appendEvents(record.state(), zombie, 1, [])).toEqual({ result: superseded });
  });

  it('stays so when it is forgotten', () => {
    const zombie = record.begin('first');
    for (let number = 2; number <= 30; number += 1) record.begin(`token ${number}`);
    expect(record.append(zombie, 0, a)).toEqual(superseded);
  });

  it('does not disturb other runs', () => {
    const writer = record.begin('other', { run: 2 });
    record.begin('one');
    record.begin('two');
    expect(record.append(writer, 0, a)).toEqual(kept);
  });
});

describe('clearing', () => {
  it('begins a new epoch after the newest event, and each sorts after the one before', () => {
    record.append(record.begin('one'), 0, a, b);
    const epochs = [record.head?.epoch ?? ''];
    for (const version of [3, 4]) {
      record.clear();
      const epoch = record.head?.epoch ?? '';
      expect(record.head).toEqual({ epoch, version, oldestSequence: 3, newestSequence: 2 });
      epochs.push(epoch);
    }
    expect(epochs).toEqual([...new Set(epochs)].toSorted());
  });

  it('does nothing to a thread that is unknown', () => {
    expect(clearThread(undefined)).toEqual({ result: undefined });
  });

  it('lets a running attempt go on, as the first of a run that is new', () => {
    record.begin('dead');
    const writer = record.begin('one');
    record.append(writer, 0, a, b);
    record.clear();
    expect(record.append(writer, 2, c, finalEvent())).toEqual(kept);
    expect(record.run()).toEqual({
      ...runOf(),
      attempts: [
        {
          attempt: 2,
          token: 'one',
          startedAt: STARTED_AT,
          eventCount: 4,
          lostEvents: 0,
          lastSequence: 4,
          outcome: 'final',
        },
      ],
    });
    expect(record.head).toMatchObject({
      totals: { runCount: 1 },
      newestAttempt: { correlationId: runId(1), attempt: 2 },
    });
    expect(record.append(writer, 2, c, finalEvent())).toEqual(kept);
    expect(record.events).toHaveLength(2);
  });

  it('lets only one of a dead attempt and its successor go on', () => {
    const zombie = record.begin('one');
    const successor = record.begin('two');
    record.clear();
    expect(record.append(zombie, 0, a)).toEqual(kept);
    expect(record.append(successor, 0, b)).toEqual(kept);
    expect(record.append(zombie, 1, c)).toEqual(superseded);
    expect(record.run().attempts.map(({ token }) => token)).toEqual(['one', 'two']);
    expect(record.begin('three')).toMatchObject({ attempt: 3 });
  });

  it('counts no run as failed whose attempt takes the place of one that has failed', () => {
    const zombie = record.begin('one');
    const successor = record.begin('two');
    record.clear();
    record.append(zombie, 0, failedEvent());
    expect(record.head?.totals).toMatchObject({ runCount: 1, failedRunCount: 1 });
    record.append(successor, 0, a);
    expect(record.head?.totals).toMatchObject({ runCount: 1, failedRunCount: 0 });
  });

  it.each([
    ['the same number', []],
    ['a higher number', ['dead', 'dead too']],
  ])('ends an attempt of %s than the one that begins then', (_what, before) => {
    for (const token of before) record.begin(token);
    const zombie = record.begin('zombie');
    record.append(zombie, 0, a);
    record.clear();
    const successor = record.begin('successor', { startedAt: '2026-01-07T15:41:02.000Z' });
    expect(successor.attempt).toBe(1);
    expect(record.append(zombie, 1, b)).toEqual(superseded);
    expect(record.append(successor, 0, c)).toEqual(kept);
    expect(record.append(zombie, 1, b)).toEqual(superseded);
    expect(record.events).toMatchObject([{ ...c, attempt: 1, sequence: 2 }]);
  });

  it.each([
    ['a late one', 1],
    ['one with a higher number', 3],
  ])('gives the place of %s to one that began long after it, under a number of its own', (_what, number) => {
    for (let dead = 1; dead < number; dead += 1) record.begin(`dead ${dead}`);
    const late = record.begin('late');
    record.clear();
    const writer = record.begin('writer', { startedAt: '2026-01-07T15:42:00.000Z' });
    record.clear();
    expect(record.append(late, 0, a)).toEqual(kept);
    expect(record.append(writer, 0, b)).toEqual(kept);
    expect(record.append(late, 1, c)).toEqual(superseded);
    expect(record.append(writer, 1, finalEvent())).toEqual(kept);
    expect(record.events.map(({ attempt }) => attempt)).toEqual([number, number + 1, number + 1]);
    expect(record.head?.newestAttempt).toEqual({ correlationId: runId(1), attempt: number + 1 });
  });

  it('supersedes an attempt that went on by the next one that begins', () => {
    record.begin('dead');
    const zombie = record.begin('zombie');
    record.clear();
    record.append(zombie, 0, a);
    expect(record.begin('successor')).toMatchObject({ attempt: 3 });
    expect(record.append(zombie, 1, b)).toEqual(superseded);
  });
});

describe('a run whose events are dropped', () => {
  it.each<[string, boolean, () => unknown]>([
    ['has only begun', true, () => record.begin('one')],
    ['has an event left', true, () => record.append(record.begin('one'), 0, a, b)],
    ['has ended', false, () => record.append(record.begin('one'), 0, finalEvent())],
    ['goes on', true, () => record.append(record.begin('one'), 0, a)],
    [
      'was cut off, and another one has begun',
      false,
      () => {
        record.append(record.begin('one'), 0, a);
        record.begin('another', { run: 2 });
      },
    ],
    [
      'has begun again',
      true,
      () => {
        record.append(record.begin('one'), 0, a);
        record.begin('two');
      },
    ],
  ])('and that %s is reached: %s', (_what, expected, happen) => {
    happen();
    const { newestAttempt } = record.head ?? {};
    expect(isReached(record.run(), { oldestSequence: 2, ...(newestAttempt && { newestAttempt }) })).toBe(expected);
  });
});

describe('dropping the oldest events', () => {
  it('moves the beginning of the record, and leaves what it adds up to', () => {
    record.append(record.begin('one'), 0, a, b, finalEvent());
    const { head } = record;
    if (head === undefined) throw new Error('There is a head.');
    expect(dropOldest(head, 3)).toEqual({
      head: { ...head, version: head.version + 1, oldestSequence: 3 },
      isNewMessage: false,
      events: [],
    });
  });
});
