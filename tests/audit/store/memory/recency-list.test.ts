import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecencyList } from '../../../../src/audit/store/memory/recency-list.js';

describe('RecencyList', () => {
  it('has neither an oldest nor a newest item while it is empty', () => {
    const list = new RecencyList<string>();
    list.touch('a');
    list.delete('a');
    list.delete('never added');
    expect([list.oldest, list.newest]).toEqual([undefined, undefined]);
  });

  it('orders items by last use, whatever was used and deleted in between', () => {
    const steps = fc.array(fc.record({ item: fc.nat(6), isDeleted: fc.boolean() }), { maxLength: 60 });
    fc.assert(
      fc.property(steps, (all) => {
        const list = new RecencyList<number>();
        let expected: number[] = [];
        for (const { item, isDeleted } of all) {
          expected = expected.filter((other) => other !== item);
          if (isDeleted) list.delete(item);
          else list.touch(item);
          if (!isDeleted) expected = [item, ...expected];
          expect([list.newest, list.oldest]).toEqual([expected[0], expected.at(-1)]);
        }
        for (let oldest = expected.pop(); oldest !== undefined; oldest = expected.pop()) {
          expect(list.oldest).toBe(oldest);
          list.delete(oldest);
        }
      }),
    );
  });
});
