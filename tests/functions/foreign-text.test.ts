import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanForeignText } from '../../src/functions/foreign-text.js';
import { anyText } from '../support/any-text.js';

describe('cleanForeignText', () => {
  it.each([
    ['a line\r\n[ERROR] forged', 'a line [ERROR] forged'],
    ['tab\tbell\u0007null\u0000escape\u001B[31m', 'tab bell null escape [31m'],
    ['right\u202Eto\u2066left\u200F', 'right to left'],
    ['zero\u200Bwidth\uFEFF', 'zero width'],
    ['line\u2028separator\u2029', 'line separator'],
    ['half a pair \uD83C', 'half a pair \uFFFD'],
    ['  plain text, 🌞 and ä  ', 'plain text, 🌞 and ä'],
  ])('turns %j into %j', (foreign, shown) => {
    expect(cleanForeignText(foreign)).toBe(shown);
  });

  it('cuts between characters and adds an ellipsis', () => {
    expect(cleanForeignText('🌞🌞🌞', 2)).toBe('🌞🌞…');
    expect(cleanForeignText('🌞🌞', 2)).toBe('🌞🌞');
  });

  it('always returns one well-formed line within the limit', () => {
    fc.assert(
      fc.property(anyText({ maxLength: 300 }), fc.integer({ min: 1, max: 100 }), (foreign, maxChars) => {
        const shown = cleanForeignText(foreign, maxChars);
        expect(Array.from(shown).length).toBeLessThanOrEqual(maxChars + 1);
        expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        expect(shown.isWellFormed()).toBe(true);
      }),
    );
  });
});
