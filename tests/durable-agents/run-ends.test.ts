import { describe, expect, it } from 'vitest';
import { RunEnds } from '../../src/durable-agents/run-ends.js';

describe('the end of a run', () => {
  it('wakes everybody who watches it, and nobody else', () => {
    const runEnds = new RunEnds();
    const [first, second, other] = [runEnds.watch('run'), runEnds.watch('run'), runEnds.watch('other')];

    runEnds.announce('run');

    expect([first, second, other].map(({ ended }) => ended.aborted)).toEqual([true, true, false]);
  });

  it('does not wake who has stopped, and still wakes the others', () => {
    const runEnds = new RunEnds();
    const [first, second] = [runEnds.watch('run'), runEnds.watch('run')];

    first.stop();
    runEnds.announce('run');

    expect([first, second].map(({ ended }) => ended.aborted)).toEqual([false, true]);
  });

  it('may be announced when nobody watches', () => {
    const runEnds = new RunEnds();
    runEnds.watch('run').stop();

    expect(() => runEnds.announce('run')).not.toThrow();
    expect(runEnds.watch('run').ended.aborted).toBe(false);
  });
});
