import { beforeEach, describe, expect, it } from 'vitest';
import { dropOldest, isReached } from '../../../src/audit/domain/thread-changes.js';
import { finalEvent } from '../../support/callback-events.js';
import { a, b, KeptThread } from './kept-thread.js';

let record: KeptThread;

beforeEach(() => {
  record = new KeptThread();
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
    if (head === undefined) throw new Error('The head is missing.');
    expect(dropOldest(head, 3)).toEqual({
      head: { ...head, version: head.version + 1, oldestSequence: 3 },
      isNewMessage: false,
      events: [],
    });
  });
});
