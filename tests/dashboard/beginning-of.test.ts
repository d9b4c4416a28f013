import { describe, expect, it } from 'vitest';
import { beginningOf } from '../../src/dashboard/page/format/beginning-of.js';

describe('beginningOf', () => {
  it('returns a short text unchanged', () => {
    for (const text of ['', 'short', 'x'.repeat(1200), 'x\n'.repeat(15)]) expect(beginningOf(text)).toBe(text);
  });

  it('cuts after 1,200 characters or 16 lines, without splitting a surrogate pair', () => {
    expect(beginningOf('x'.repeat(1201))).toBe('x'.repeat(1200));
    expect(beginningOf('x\n'.repeat(100))).toBe(Array.from({ length: 16 }, () => 'x').join('\n'));
    expect(beginningOf(`${'x'.repeat(1199)}😀`)).toBe('x'.repeat(1199));
  });
});
