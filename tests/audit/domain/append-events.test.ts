import { beforeEach, describe, expect, it } from 'vitest';
import type { NewEvent } from '../../../src/audit/domain/stored-event.js';
import { appendEvents, beginAttempt, clearThread } from '../../../src/audit/domain/thread-changes.js';
import { finalEvent, runId, runOf, streamEvent } from '../../support/callback-events.js';
import { STARTED_AT, kept, superseded, a, b, c, KeptThread } from './kept-thread.js';

let record: KeptThread;

beforeEach(() => {
  record = new KeptThread();
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
