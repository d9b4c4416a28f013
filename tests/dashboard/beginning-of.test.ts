import { describe, expect, it } from 'vitest';
import { beginningOf } from '../../src/dashboard/page/format/beginning-of.js';

describe('the beginning of a text', () => {
  it('is the text when it is short', () => {
    for (const text of ['', 'short', 'x'.repeat(1200), 'x\n'.repeat(15)]) expect(beginningOf(text)).toBe(text);
  });

  it('ends with the 1,200th character or the 16th line, and with a whole character', () => {
    expect(beginningOf('x'.repeat(1201))).toBe('x'.repeat(1200));
    expect(beginningOf('x\n'.repeat(100))).toBe(Array.from({ length: 16 }, () => 'x').join('\n'));
    expect(beginningOf(`${'x'.repeat(1199)}😀`)).toBe('x'.repeat(1199));
  });
});
