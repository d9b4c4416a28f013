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

/** Applies the changes. */
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

describe('appending events', () => {
  it('assigns the next sequences, and the run and attempt of the writer', () => {
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

  it('records the progress of the attempt, and how it ended', () => {
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
    ['all stored events', 0, [a, b], 'ab'],
    ['the last stored event', 1, [b], 'ab'],
    ['the first stored event', 0, [a], 'ab'],
    ['all stored events and a new one', 0, [a, b, c], 'abc'],
    ['the last stored event and a new one', 1, [b, c], 'abc'],
    ['only a new event', 2, [c], 'abc'],
  ])('adds only what is new to the log, given %s', (_what, firstIndex, events, texts) => {
    const writer = record.begin('one');
    record.append(writer, 0, a, b);
    const before = record.head;
    expect(record.append(writer, firstIndex, ...events)).toEqual(kept);
    expect(record.events.map(({ fields }) => JSON.parse(`{${fields}}`).text).join('')).toBe(texts);
    expect(record.run().attempts).toMatchObject([{ eventCount: texts.length, lostEvents: 0 }]);
    expect(record.head === before).toBe(texts === 'ab');
  });

  it('sums up lost events, and returns the sum each time', () => {
    const writer = record.begin('one');
    expect(record.append(writer, 2, a)).toEqual({ status: 'kept', lostEvents: 2 });
    expect(record.append(writer, 2, a)).toEqual({ status: 'kept', lostEvents: 2 });
    expect(record.append(writer, 3, b)).toEqual({ status: 'kept', lostEvents: 2 });
    expect(record.append(writer, 7, c)).toEqual({ status: 'kept', lostEvents: 5 });
    expect(record.run().attempts).toMatchObject([{ eventCount: 8, lostEvents: 5, lastSequence: 3 }]);
  });

  it('counts a run with several attempts once', () => {
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

  it('does not modify its arguments', () => {
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

describe('a superseded attempt', () => {
  it('cannot append, not even events that it has appended before', () => {
    const zombie = record.begin('one');
    record.append(zombie, 0, a);
    const successor = record.begin('two');
    for (const firstIndex of [0, 1, 9]) {
      expect(appendEvents(record.state(), zombie, firstIndex, [b])).toEqual({ result: superseded });
    }
    expect(record.append(successor, 0, c)).toEqual(kept);
    expect(appendEvents(record.state(), zombie, 1, [])).toEqual({ result: superseded });
  });

  it('stays superseded after its record was dropped', () => {
    const zombie = record.begin('first');
    for (let number = 2; number <= 30; number += 1) record.begin(`token ${number}`);
    expect(record.append(zombie, 0, a)).toEqual(superseded);
  });

  it('does not affect other runs', () => {
    const writer = record.begin('other', { run: 2 });
    record.begin('one');
    record.begin('two');
    expect(record.append(writer, 0, a)).toEqual(kept);
  });
});

describe('clearing a thread', () => {
  it('starts a new epoch after the newest event, and epochs sort by time', () => {
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

  it('does nothing for an unknown thread', () => {
    expect(clearThread(undefined)).toEqual({ result: undefined });
  });

  it('lets a running attempt continue, as the first of a new run', () => {
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

  it('lets either a dead attempt or its successor continue, but not both', () => {
    const zombie = record.begin('one');
    const successor = record.begin('two');
    record.clear();
    expect(record.append(zombie, 0, a)).toEqual(kept);
    expect(record.append(successor, 0, b)).toEqual(kept);
    expect(record.append(zombie, 1, c)).toEqual(superseded);
    expect(record.run().attempts.map(({ token }) => token)).toEqual(['one', 'two']);
    expect(record.begin('three')).toMatchObject({ attempt: 3 });
  });

  it('does not count a run as failed if its attempt replaces a failed one', () => {
    const zombie = record.begin('one');
    const successor = record.begin('two');
    record.clear();
    record.append(zombie, 0, failedEvent());
    expect(record.head?.totals).toMatchObject({ runCount: 1, failedRunCount: 1 });
    record.append(successor, 0, a);
    expect(record.head?.totals).toMatchObject({ runCount: 1, failedRunCount: 0 });
  });

  it.each([
    ['with the same number', []],
    ['with a higher number', ['dead', 'dead too']],
  ])('lets the next attempt supersede an earlier one %s', (_what, before) => {
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
    ['that arrives late', 1],
    ['with a higher number', 3],
  ])('lets an attempt that started much later replace one %s, under a new number', (_what, number) => {
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

  it('lets the next attempt supersede one that continued', () => {
    record.begin('dead');
    const zombie = record.begin('zombie');
    record.clear();
    record.append(zombie, 0, a);
    expect(record.begin('successor')).toMatchObject({ attempt: 3 });
    expect(record.append(zombie, 1, b)).toEqual(superseded);
  });
});

describe('whether the oldest remaining event is after a run', () => {
  it.each<[string, boolean, () => unknown]>([
    ['has only started', true, () => record.begin('one')],
    ['has a remaining event', true, () => record.append(record.begin('one'), 0, a, b)],
    ['has ended', false, () => record.append(record.begin('one'), 0, finalEvent())],
    ['continues', true, () => record.append(record.begin('one'), 0, a)],
    [
      'was interrupted before another run started',
      false,
      () => {
        record.append(record.begin('one'), 0, a);
        record.begin('another', { run: 2 });
      },
    ],
    [
      'has restarted',
      true,
      () => {
        record.append(record.begin('one'), 0, a);
        record.begin('two');
      },
    ],
  ])('that %s: reached = %s', (_what, expected, happen) => {
    happen();
    const { newestAttempt } = record.head ?? {};
    expect(isReached(record.run(), { oldestSequence: 2, ...(newestAttempt && { newestAttempt }) })).toBe(expected);
  });
});

describe('dropping the oldest events', () => {
  it('moves the start of the log, and keeps its totals', () => {
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
