import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coerceBoolean } from '../../../src/durable-agents/http/parse-run-request.js';

describe('a value that stands for yes or no', () => {
  it.each([true, 1, -1, 0.5, Infinity, 'true', 'TRUE', '1', 'yes', 'Y', ' on\n'])('%j means yes', (value) => {
    expect(coerceBoolean(value)).toBe(true);
  });

  it.each([false, null, undefined, 0, -0, '', ' ', 'false', '0', 'no', 'off', 'wait', 'truthy', '2', {}, [], ['true']])(
    '%j means no',
    (value) => {
      expect(coerceBoolean(value)).toBe(false);
    },
  );

  it('means no for every other string', () => {
    const yes = new Set(['true', '1', 'yes', 'y', 'on']);
    const others = fc.string().filter((word) => !yes.has(word.trim().toLowerCase()));
    fc.assert(
      fc.property(others, (word) => {
        expect(coerceBoolean(word)).toBe(false);
      }),
    );
  });
});
