import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WritingPace } from '../../../../src/audit/store/durable/writing-pace.js';

const DURATION_MS = 60_000;

/** A process that writes whenever it may: the pauses between its writes, and the time that it spent in writes. */
function writeWithoutEnd(writeMs: number): { readonly pauses: readonly { at: number; ms: number }[]; busyMs: number } {
  const pace = new WritingPace();
  const pauses: { at: number; ms: number }[] = [];
  let busyMs = 0;
  for (let now = 0; now < DURATION_MS; now += writeMs) {
    const ms = pace.nextPauseMs(now);
    if (ms > 0) pauses.push({ at: now, ms });
    now += ms;
    pace.noteWrite(now, now + writeMs);
    busyMs += writeMs;
  }
  return { pauses, busyMs };
}

describe('a process that writes to a thread without end', () => {
  it('lets others in every half second if the store is fast', () => {
    const { pauses } = writeWithoutEnd(10);
    expect(pauses.length).toBeGreaterThan(100);
    expect(new Set(pauses.map(({ ms }) => ms))).toEqual(new Set([70]));
  });

  it('never waits for more than 2 s, and writes for two thirds of the time, however slow the store is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), (writeMs) => {
        const { pauses, busyMs } = writeWithoutEnd(writeMs);
        expect(Math.max(...pauses.map(({ ms }) => ms))).toBeLessThanOrEqual(2000);
        expect(busyMs).toBeGreaterThanOrEqual((DURATION_MS * 2) / 3 - 2000);
      }),
    );
  });

  it('lets others in every 4 s, or after each longer write, for seven writes or 2 s', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), (writeMs) => {
        const { pauses } = writeWithoutEnd(writeMs);
        const starts = [0, ...pauses.map(({ at, ms }) => at + ms)];
        const writing = pauses.map(({ at }, index) => at - (starts[index] ?? 0));
        expect(Math.max(...writing)).toBeLessThanOrEqual(4000 + writeMs);
        expect(pauses.every(({ ms }) => ms === Math.min(7 * writeMs, 2000))).toBe(true);
      }),
    );
  });

  it('counts from its first write, however long the reads before it took', () => {
    const pace = new WritingPace();
    expect(pace.nextPauseMs(0)).toBe(0);
    pace.noteWrite(3000, 3100);
    expect(pace.nextPauseMs(3100)).toBe(0);
    pace.noteWrite(4300, 4400);
    expect(pace.nextPauseMs(4400)).toBe(700);
  });

  it('has nothing to wait for after it was idle', () => {
    const pace = new WritingPace();
    pace.noteWrite(0, 100);
    expect(pace.nextPauseMs(10_000)).toBe(0);
    pace.noteWrite(10_000, 10_100);
    expect(pace.nextPauseMs(10_100)).toBe(0);
  });

  it('waits for the rest of a pause that has begun by itself', () => {
    const pace = new WritingPace();
    pace.noteWrite(0, 100);
    pace.noteWrite(1400, 1500);
    expect(pace.nextPauseMs(1800)).toBe(400);
    pace.noteWrite(2200, 2300);
    expect(pace.nextPauseMs(2300)).toBe(0);
  });
});
