import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitText } from '../../../../src/storage/request-limits.js';
import { textIn, toTextRows } from '../../../../src/audit/store/table/table-text.js';

const COLUMN_LENGTH = 30 * 1024;
/** What the service takes. */
const MAX_COLUMN_LENGTH = 32 * 1024;
const MAX_ROW_BYTES = 1024 * 1024;

describe('splitText', () => {
  it('gives pieces that are as long as they may be, and together are the text', () => {
    expect(splitText('abcdefgh', 3)).toEqual(['abc', 'def', 'gh']);
    expect(splitText('abcdef', 3)).toEqual(['abc', 'def']);
    expect(splitText('', 3)).toEqual(['']);
  });

  it('never cuts through a character, wherever it stands', () => {
    expect(splitText('ab😀cd', 3)).toEqual(['ab', '😀c', 'd']);
    expect(splitText('a😀bcd', 3)).toEqual(['a😀', 'bcd']);
    expect(splitText('😀😀😀', 3)).toEqual(['😀', '😀', '😀']);
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 200 }),
        fc.integer({ min: 2, max: 9 }),
        (text, maxLength) => {
          const pieces = splitText(text, maxLength);
          expect(pieces.join('')).toBe(text);
          expect(pieces.every((piece) => piece.length <= maxLength && piece.isWellFormed())).toBe(true);
        },
      ),
    );
  });

  it('leaves halves of pairs as they are that were none before', () => {
    const text = '\ude00\ud83d\ud83dab\ud83d';
    expect(splitText(text, 2).join('')).toBe(text);
  });
});

describe('the rows of a text', () => {
  it.each([
    ['nothing', '', 1],
    ['a column', 'a'.repeat(COLUMN_LENGTH), 1],
    ['a column and a bit', 'a'.repeat(COLUMN_LENGTH + 1), 1],
    ['a row', 'a'.repeat(15 * COLUMN_LENGTH), 1],
    ['a row and a bit', 'a'.repeat(15 * COLUMN_LENGTH + 1), 2],
    ['5 MiB', 'a'.repeat(5 * 1024 * 1024), 12],
    ['5 MiB of characters that are escaped', '\u0001'.repeat(5 * 1024 * 1024), 43],
    ['surrogate pairs, at odd places', `.${'😀'.repeat(500_000)}`, 3],
  ])('hold %s within the limits of the service', (_what, text, expectedRows) => {
    const rows = toTextRows(text);
    expect(rows.length).toBe(expectedRows);
    expect(rows.map(({ columns }) => textIn(columns)).join('') === text).toBe(true);
    for (const { columns, weight } of rows) {
      const pieces = Object.values(columns).map(String);
      expect(pieces.length).toBeLessThan(252);
      expect(pieces.every((piece) => piece.length <= MAX_COLUMN_LENGTH && piece.isWellFormed())).toBe(true);
      const keptBytes = pieces.reduce((sum, piece) => sum + 2 * piece.length, 0);
      expect(weight).toBeGreaterThanOrEqual(Math.max(keptBytes, Buffer.byteLength(pieces.join(''))));
      expect(Math.max(keptBytes, Buffer.byteLength(JSON.stringify(columns)))).toBeLessThan(MAX_ROW_BYTES);
    }
  });
});
