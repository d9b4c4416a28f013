import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LatestWrites } from '../../../../src/audit/store/table/latest-writes.js';

describe('LatestWrites', () => {
  let written: string[];
  let failures: number;
  let release: (() => void) | undefined;
  let gate: Promise<void> | undefined;
  let writes: LatestWrites<string>;
  beforeEach(() => {
    vi.useFakeTimers();
    written = [];
    failures = 0;
    gate = undefined;
    const write = async (value: string): Promise<void> => {
      await gate;
      if (failures > 0) {
        failures -= 1;
        throw new Error('The service is busy.');
      }
      written.push(value);
    };
    writes = new LatestWrites(write, { intervalMs: 1000, maxRetryMs: 4000 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const hold = (): void => {
    gate = new Promise((resolve) => {
      release = resolve;
    });
  };

  it('writes the latest of the values of an interval', async () => {
    writes.soon('a', '1');
    await vi.advanceTimersByTimeAsync(500);
    writes.soon('a', '2');
    writes.soon('b', '3');
    await vi.advanceTimersByTimeAsync(499);
    expect(written).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(written).toEqual(['2']);
    await vi.advanceTimersByTimeAsync(500);
    expect(written).toEqual(['2', '3']);
    expect(writes.has('a')).toBe(false);
  });

  it('writes a value at once when asked to, and nothing of what came before it', async () => {
    writes.soon('a', '1');
    await writes.now('a', '2');
    expect(written).toEqual(['2']);
    await vi.advanceTimersByTimeAsync(5000);
    expect(written).toEqual(['2']);
  });

  it('writes what came during a write behind it', async () => {
    hold();
    const first = writes.now('a', '1');
    writes.soon('a', '2');
    const third = writes.now('a', '3');
    writes.soon('a', '4');
    release?.();
    await Promise.all([first, third]);
    expect(written).toEqual(['1', '4']);
    await vi.advanceTimersByTimeAsync(5000);
    expect(written).toEqual(['1', '4']);
  });

  it('tries a write again that failed, with growing pauses', async () => {
    failures = 3;
    await writes.now('a', '1');
    expect(writes.has('a')).toBe(true);
    for (const pauseMs of [2000, 4000, 4000]) {
      expect(written).toEqual([]);
      await vi.advanceTimersByTimeAsync(pauseMs);
    }
    expect(written).toEqual(['1']);
    expect(writes.has('a')).toBe(false);
  });

  it('gives way to a later value when a write failed', async () => {
    failures = 1;
    await writes.now('a', '1');
    writes.soon('a', '2');
    await vi.advanceTimersByTimeAsync(2000);
    expect(written).toEqual(['2']);
  });

  it('drops what is cancelled, and waits for what is on its way', async () => {
    hold();
    const first = writes.now('a', '1');
    writes.soon('a', '2');
    const cancelled = writes.cancel('a');
    release?.();
    await cancelled;
    expect(written).toEqual(['1']);
    await first;
    await vi.advanceTimersByTimeAsync(5000);
    expect(written).toEqual(['1']);
  });

  it('writes what is pending when it is closed, and tries nothing again', async () => {
    writes.soon('a', '1');
    writes.soon('b', '2');
    await writes.close();
    expect(written).toEqual(['1', '2']);
    failures = 1;
    writes.soon('c', '3');
    await writes.close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(written).toEqual(['1', '2']);
  });
});
