import { describe, expect, it } from 'vitest';
import { RunCompletionNotifier } from '../../src/durable-agents/run-completion-notifier.js';

describe('the end of a run', () => {
  it('wakes everybody who watches it, and nobody else', () => {
    const completions = new RunCompletionNotifier();
    const [first, second, other] = [completions.watch('run'), completions.watch('run'), completions.watch('other')];

    completions.announce('run');

    expect([first, second, other].map(({ ended }) => ended.aborted)).toEqual([true, true, false]);
  });

  it('does not wake who has stopped, and still wakes the others', () => {
    const completions = new RunCompletionNotifier();
    const [first, second] = [completions.watch('run'), completions.watch('run')];

    first.stop();
    completions.announce('run');

    expect([first, second].map(({ ended }) => ended.aborted)).toEqual([false, true]);
  });

  it('is announced to a new watcher after an old one has stopped twice', () => {
    const completions = new RunCompletionNotifier();
    const first = completions.watch('run');
    first.stop();
    const second = completions.watch('run');

    first.stop();
    completions.announce('run');

    expect(second.ended.aborted).toBe(true);
  });

  it('may be announced when nobody watches', () => {
    const completions = new RunCompletionNotifier();
    completions.watch('run').stop();

    expect(() => completions.announce('run')).not.toThrow();
    expect(completions.watch('run').ended.aborted).toBe(false);
  });
});

describe('a run in this process', () => {
  it('is running from its beginning to its end', () => {
    const completions = new RunCompletionNotifier();
    expect(completions.isRunning('run')).toBe(false);
    completions.begin('run');
    expect(['run', 'other'].map((id) => completions.isRunning(id))).toEqual([true, false]);
    completions.announce('run');
    expect(completions.isRunning('run')).toBe(false);
  });

  it('is expected to be committed a little earlier than lately, unless that was too early', () => {
    const completions = new RunCompletionNotifier();
    completions.sawCommit(40, false);
    expect(completions.commitMs).toBe(40);
    completions.sawCommit(40, true);
    expect(completions.commitMs).toBeLessThan(40);
    completions.sawCommit(60_000, false);
    expect(completions.commitMs).toBe(250);
  });
});
