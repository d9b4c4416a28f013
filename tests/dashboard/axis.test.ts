import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countTicks, durationTicks } from '../../src/dashboard/page/format/axis.js';

describe('the ticks of an axis', () => {
  it.each([
    [0, ['0 ms', '1 ms']],
    [140, ['0 ms', '50 ms', '100 ms', '150 ms']],
    [1_900, ['0 s', '0.5 s', '1 s', '1.5 s', '2 s']],
    [2_400, ['0 s', '1 s', '2 s', '3 s']],
    [170_000, ['0 s', '50 s', '100 s', '150 s', '200 s']],
    [600_000, ['0 min', '5 min', '10 min']],
    [36_000_000, ['0 h', '5 h', '10 h']],
  ])('label %i ms in one unit', (maxMs, labels) => {
    expect(durationTicks(maxMs).map(({ label }) => label)).toEqual(labels);
  });

  it.each([
    [0, ['0', '1']],
    [1, ['0', '1']],
    [3, ['0', '1', '2', '3']],
    [1234, ['0', '500', '1,000', '1,500']],
  ])('label a count of %i with whole numbers', (max, labels) => {
    expect(countTicks(max).map(({ label }) => label)).toEqual(labels);
  });

  it('start at 0, reach the highest value, and are few and evenly spaced', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e9, noNaN: true }), fc.boolean(), (max, isCount) => {
        const at = (isCount ? countTicks(max) : durationTicks(max)).map((tick) => tick.at);
        const step = at[1] ?? NaN;
        expect(at[0]).toBe(0);
        expect(at.at(-1)).toBeGreaterThanOrEqual(max * 0.998);
        expect(at.length).toBeLessThanOrEqual(6);
        for (const [index, value] of at.entries()) expect(value).toBeCloseTo(index * step, 5);
      }),
    );
  });
});
