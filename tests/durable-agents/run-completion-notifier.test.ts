import { describe, expect, it } from 'vitest';
import { RunCompletionNotifier } from '../../src/durable-agents/run-completion-notifier.js';

describe('the end of a run', () => {
  it('wakes all of its watchers, and no others', () => {
    const completions = new RunCompletionNotifier();
    const [first, second, other] = [completions.watch('run'), completions.watch('run'), completions.watch('other')];

    completions.announce('run');

    expect([first, second, other].map(({ ended }) => ended.aborted)).toEqual([true, true, false]);
  });

  it('does not wake a watcher that has stopped, but still wakes the others', () => {
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

  it('may be announced without watchers', () => {
    const completions = new RunCompletionNotifier();
    completions.watch('run').stop();

    expect(() => completions.announce('run')).not.toThrow();
    expect(completions.watch('run').ended.aborted).toBe(false);
  });
});

describe('a run in this process', () => {
  it('counts as running from start to end', () => {
    const completions = new RunCompletionNotifier();
    expect(completions.isRunning('run')).toBe(false);
    completions.begin('run');
    expect(['run', 'other'].map((id) => completions.isRunning(id))).toEqual([true, false]);
    completions.announce('run');
    expect(completions.isRunning('run')).toBe(false);
  });

  it('does not count as running while it is deferred', () => {
    const completions = new RunCompletionNotifier();
    completions.begin('run');
    completions.defer('run');
    expect(completions.isRunning('run')).toBe(false);
  });

  it('is expected to commit slightly earlier than recent ones, unless that was too early', () => {
    const completions = new RunCompletionNotifier();
    completions.sawCommit(40, false);
    expect(completions.commitMs).toBe(40);
    completions.sawCommit(40, true);
    expect(completions.commitMs).toBeLessThan(40);
    completions.sawCommit(60_000, false);
    expect(completions.commitMs).toBe(250);
  });
});
