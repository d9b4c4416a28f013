import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coerceBoolean } from '../../../src/durable-agents/http/parse-run-request.js';

describe('coerceBoolean', () => {
  it.each([true, 1, -1, 0.5, Infinity, 'true', 'TRUE', '1', 'yes', 'Y', ' on\n'])('turns %j into true', (value) => {
    expect(coerceBoolean(value)).toBe(true);
  });

  it.each([false, null, undefined, 0, -0, '', ' ', 'false', '0', 'no', 'off', 'wait', 'truthy', '2', {}, [], ['true']])(
    'turns %j into false',
    (value) => {
      expect(coerceBoolean(value)).toBe(false);
    },
  );

  it('turns every other string into false', () => {
    const yes = new Set(['true', '1', 'yes', 'y', 'on']);
    const others = fc.string().filter((word) => !yes.has(word.trim().toLowerCase()));
    fc.assert(
      fc.property(others, (word) => {
        expect(coerceBoolean(word)).toBe(false);
      }),
    );
  });
});
