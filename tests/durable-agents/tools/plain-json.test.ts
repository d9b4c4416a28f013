import { describe, expect, it } from 'vitest';
import { cutJson, MAX_RESULT_BYTES, toPlainJson } from '../../../src/durable-agents/tools/plain-json.js';

describe('plain JSON', () => {
  it.each<[string, unknown, unknown]>([
    ['undefined', undefined, null],
    ['null', null, null],
    ['an object', { a: [1, 'x', true, null], b: undefined }, { a: [1, 'x', true, null] }],
    ['a toJSON', { toJSON: () => ({ at: 1 }) }, { at: 1 }],
    ['a toJSON without a result', { toJSON: () => undefined }, null],
    ['a bigint', 7n, '[not JSON: bigint]'],
    ['a symbol', [Symbol('x')], ['[not JSON: symbol]']],
    ['a function', { run: () => 1 }, { run: '[not JSON: function]' }],
    ['NaN', NaN, '[not JSON: NaN]'],
    ['infinite numbers', [Infinity, -Infinity], ['[not JSON: Infinity]', '[not JSON: -Infinity]']],
    ['a map', new Map(), '[not JSON: Map]'],
    ['a set', { all: new Set() }, { all: '[not JSON: Set]' }],
    ['an error', new RangeError('x'), '[not JSON: RangeError]'],
    ['a buffer', new ArrayBuffer(2), '[not JSON: ArrayBuffer]'],
    ['a date', new Date(0), '1970-01-01T00:00:00.000Z'],
  ])('of %s', (_what, value, plain) => {
    expect(toPlainJson(value)).toEqual(plain);
  });

  it('fails for a circular value', () => {
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;

    expect(() => toPlainJson(circular)).toThrow(TypeError);
  });
});

describe('a cut result', () => {
  it('is the value itself if its JSON fits exactly', () => {
    const value = { note: 'ä'.repeat(100) };
    const bytes = Buffer.byteLength(JSON.stringify(value));

    expect(cutJson(value, bytes)).toBe(value);
    expect(cutJson(value, bytes - 1)).toMatch(/^\{"note":"ä{50,}… \[cut: 211 bytes, the limit is 210\]$/);
  });

  it.each([
    ['a text', 'x'.repeat(300), 'x'],
    ['a text with characters of several bytes', '\u{1F31E}'.repeat(100), '\u{1F31E}'],
    ['a text whose JSON is longer', '"'.repeat(300), '"'],
    ['an object, as JSON', { text: 'x'.repeat(300) }, '{"text":"x'],
  ])('begins like %s, and is as long as possible', (_what, value, beginning) => {
    const cut = String(cutJson(value, 200));

    const bytes = Buffer.byteLength(JSON.stringify(cut));
    expect(cut.startsWith(beginning)).toBe(true);
    expect(cut).toMatch(/… \[cut: \d+ bytes, the limit is 200\]$/);
    expect(cut.isWellFormed()).toBe(true);
    expect(bytes).toBeLessThanOrEqual(200);
    expect(bytes).toBeGreaterThan(196);
  });

  it('has at most 64 KiB by default', () => {
    expect(MAX_RESULT_BYTES).toBe(65_536);
    expect(cutJson('x'.repeat(65_534))).toHaveLength(65_534);
    expect(cutJson('x'.repeat(65_535))).toMatch(/ \[cut: 65537 bytes, the limit is 65536\]$/);
  });
});
