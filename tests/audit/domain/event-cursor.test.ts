import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  endOf,
  type EventCursor,
  formatCursor,
  isLost,
  parseCursor,
  START,
} from '../../../src/audit/domain/event-cursor.js';

const epoch = fc.stringMatching(/^[0-9a-z]{1,32}$/);
const sequence = fc.nat({ max: 999_999_999_999_999 });
const record = fc
  .record({ epoch, first: fc.integer({ min: 1, max: 50 }), count: fc.nat(50) })
  .map(({ epoch: of, first, count }) => {
    return { epoch: of, version: 1, oldestSequence: first, newestSequence: first + count - 1 };
  });

describe('a cursor', () => {
  it('survives a round trip through its text', () => {
    fc.assert(
      fc.property(fc.option(epoch, { nil: undefined }), sequence, (of, place) => {
        const cursor: EventCursor = { sequence: place, ...(of !== undefined && { epoch: of }) };
        expect(parseCursor(formatCursor(cursor))).toEqual(cursor);
      }),
    );
  });

  it('is a sequence number, with or without an epoch before it', () => {
    expect(formatCursor({ epoch: '0a1b2c3d', sequence: 12 })).toBe('0a1b2c3d-12');
    expect(parseCursor('12')).toEqual({ sequence: 12 });
    expect(parseCursor('7-12')).toEqual({ epoch: '7', sequence: 12 });
  });

  it.each([
    '',
    '-',
    '-1',
    'a',
    'a-',
    '1.5',
    '1e3',
    'a-b',
    'A-1',
    'a-1-2',
    ' 1',
    '1\n',
    '9'.repeat(16),
    `${'a'.repeat(33)}-1`,
  ])('cannot be %j', (text) => {
    expect(parseCursor(text)).toBeUndefined();
  });
});

describe('a cursor in the log of a thread', () => {
  it('is lost unless it is the start or that of a stored event', () => {
    fc.assert(
      fc.property(record, fc.nat(120), (of, place) => {
        const isKept = place >= of.oldestSequence && place <= of.newestSequence;
        expect(isLost({ sequence: place }, of)).toBe(place !== 0 && !isKept);
        expect(isLost({ epoch: of.epoch, sequence: place }, of)).toBe(place !== 0 && !isKept);
        expect(isLost({ epoch: `${of.epoch}x`, sequence: place }, of)).toBe(place !== 0);
      }),
    );
  });

  it('is never lost at the end, even if no events are stored', () => {
    fc.assert(
      fc.property(record, (of) => {
        const end = endOf(of);
        expect(isLost(end, of)).toBe(false);
        const next = { ...of, newestSequence: of.newestSequence + 1 };
        expect(isLost(end, next)).toBe(false);
      }),
    );
  });

  it('is lost without a log, unless it is the start', () => {
    expect(endOf(undefined)).toEqual(START);
    expect(isLost(START, undefined)).toBe(false);
    expect(isLost({ sequence: 1 }, undefined)).toBe(true);
    expect(isLost({ epoch: 'a', sequence: 0 }, undefined)).toBe(false);
  });
});
