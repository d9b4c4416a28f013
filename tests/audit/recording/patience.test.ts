import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Patience } from '../../../src/audit/recording/patience.js';

function createPatience() {
  const ends: number[] = [];
  const begun = performance.now();
  const patience = new Patience(() => void ends.push(performance.now() - begun));
  return { patience, ends };
}

describe('patience', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));

  afterEach(() => void vi.useRealTimers());

  it('ends when its time is over, once', () => {
    const { patience, ends } = createPatience();
    expect(patience.leftMs).toBe(Infinity);
    patience.begin(100);
    vi.advanceTimersByTime(60);
    expect(patience.leftMs).toBe(40);
    patience.begin(100);
    vi.advanceTimersByTime(1000);
    expect(ends).toEqual([100]);
    expect(patience.leftMs).toBe(Infinity);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('does not end when it is lifted in time', () => {
    const { patience, ends } = createPatience();
    for (let round = 0; round < 50; round += 1) {
      patience.begin(100);
      vi.advanceTimersByTime(90);
      patience.lift();
    }
    vi.advanceTimersByTime(1000);
    expect(ends).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('has its whole time each time that it begins', () => {
    const { patience, ends } = createPatience();
    patience.begin(100);
    vi.advanceTimersByTime(90);
    patience.lift();
    patience.begin(100);
    vi.advanceTimersByTime(1000);
    expect(ends).toEqual([190]);
  });

  it.each([
    ['less', 20, 30],
    ['more', 500, 510],
  ])('lasts as long as it is said to when it begins anew with %s', (_what, ms, end) => {
    const { patience, ends } = createPatience();
    patience.begin(100);
    vi.advanceTimersByTime(10);
    patience.restart(ms);
    vi.advanceTimersByTime(1000);
    expect(ends).toEqual([end]);
  });

  it('may begin anew as it ends', () => {
    const ends: number[] = [];
    const begun = performance.now();
    const patience: Patience = new Patience(() => {
      ends.push(performance.now() - begun);
      if (ends.length < 3) patience.begin(50);
    });
    patience.begin(100);
    vi.advanceTimersByTime(1000);
    expect(ends).toEqual([100, 150, 200]);
  });

  it('leaves no timer behind when it is closed, and may begin again', () => {
    const { patience, ends } = createPatience();
    patience.begin(100);
    patience.close();
    expect(vi.getTimerCount()).toBe(0);
    patience.begin(200);
    vi.advanceTimersByTime(1000);
    expect(ends).toEqual([200]);
  });
});
