import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Utf8Writer } from '../../src/audit/utf8-writer.js';

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.record({ unit: fc.constantFrom('e', 'é', '€', '🌦️'), count: fc.integer({ min: 0, max: 20_000 }) }),
);

describe('Utf8Writer', () => {
  it('puts together what it is given, however much it was told to expect', () => {
    fc.assert(
      fc.property(fc.array(text, { maxLength: 8 }), fc.integer({ min: 0, max: 100_000 }), (given, expectedBytes) => {
        const texts = given.map((item) => (typeof item === 'string' ? item : item.unit.repeat(item.count)));
        const writer = new Utf8Writer(expectedBytes);
        for (const item of texts) writer.add(item);
        expect(Buffer.from(writer.toBytes()).equals(Buffer.from(texts.join('')))).toBe(true);
      }),
    );
  });
});
