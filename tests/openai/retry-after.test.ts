import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { retryAfterSeconds } from '../../src/openai/retry-after.js';

const NOW = new Date('2026-01-07T15:40:02.500Z');

describe('retryAfterSeconds', () => {
  beforeEach(() => void vi.useFakeTimers({ now: NOW, toFake: ['Date'] }));
  afterEach(() => void vi.useRealTimers());

  it.each<[header: string, seconds: number | undefined]>([
    ['7', 7],
    ['0', 0],
    ['1.2', 2],
    [' 7 ', 7],
    ['7, 9', 7],
    ['123456789', 123_456_789],
    ['Wed, 07 Jan 2026 15:40:12 GMT', 10],
    ['Wed, 07 Jan 2026 15:39:00 GMT', 0],
    ['-7', undefined],
    ['7s', undefined],
    ['1234567890', undefined],
    ['7 9', undefined],
    ['1.', undefined],
    ['.5', undefined],
    ['soon', undefined],
    ['', undefined],
  ])('reads `retry-after: %s` as %s', (header, seconds) => {
    expect(retryAfterSeconds(new Headers({ 'retry-after': header }))).toBe(seconds);
  });

  it('prefers `retry-after-ms`, rounded up to seconds', () => {
    expect(retryAfterSeconds(new Headers({ 'retry-after-ms': '1500', 'retry-after': '7' }))).toBe(2);
    expect(retryAfterSeconds(new Headers({ 'retry-after-ms': 'soon', 'retry-after': '7' }))).toBe(7);
  });

  it('returns `undefined` without a header', () => {
    expect(retryAfterSeconds(new Headers())).toBeUndefined();
  });
});
