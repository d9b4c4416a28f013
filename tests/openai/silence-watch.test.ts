import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SilenceWatch } from '../../src/openai/silence-watch.js';

/** What a model does after some time. */
type Step = readonly [afterMs: number, happens: 'heard' | 'begun' | 'finishing'];

/** Waits for a model that takes these steps and then stays silent. Returns when and why the watch aborts the call. */
async function abortAfter(steps: readonly Step[], limits = { firstTokenTimeoutMs: 3000, streamIdleTimeoutMs: 1000 }) {
  const watch = new SilenceWatch(limits);
  const startedAt = performance.now();
  for (const [afterMs, happens] of steps) {
    await advance(watch, afterMs);
    watch[happens]();
  }
  const aborted = new Promise<number>((resolve) => {
    watch.signal.addEventListener('abort', () => resolve(performance.now() - startedAt));
  });
  void watch.during(new Promise(() => {}));
  await vi.advanceTimersByTimeAsync(60_000);
  return { afterMs: await aborted, reason: watch.signal.reason };
}

async function advance(watch: SilenceWatch, ms: number): Promise<void> {
  const answer = watch.during(new Promise((resolve) => void setTimeout(resolve, ms)));
  await vi.advanceTimersByTimeAsync(ms);
  await answer;
}

describe('a model that stays silent', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('is given up after the timeout for its first piece', async () => {
    const { afterMs, reason } = await abortAfter([]);

    expect(afterMs).toBe(3000);
    expect(reason).toMatchObject({
      code: 'model_timeout',
      message: 'The model did not begin to answer within 3 s.',
    });
  });

  it.each<{ when: string; steps: Step[]; expected: number }>([
    { when: 'before its first piece, in spite of comments', steps: [[2000, 'heard']], expected: 3000 },
    { when: 'after its first piece', steps: [[2500, 'begun']], expected: 3500 },
    {
      when: 'after a comment within its answer',
      steps: [
        [500, 'begun'],
        [900, 'heard'],
      ],
      expected: 2400,
    },
    {
      when: 'after several pieces, which do not restart the time by themselves',
      steps: [
        [500, 'begun'],
        [900, 'begun'],
      ],
      expected: 1500,
    },
    {
      when: 'after its finish reason',
      steps: [
        [500, 'begun'],
        [900, 'finishing'],
      ],
      expected: 2400,
    },
    {
      when: 'after a finish reason that arrives again',
      steps: [
        [500, 'finishing'],
        [900, 'finishing'],
      ],
      expected: 1500,
    },
    {
      when: 'after its finish reason, whatever follows',
      steps: [
        [500, 'finishing'],
        [900, 'begun'],
      ],
      expected: 1500,
    },
  ])('is given up $when', async ({ steps, expected }) => {
    expect((await abortAfter(steps)).afterMs).toBe(expected);
  });

  it('is given up 10 s after its finish reason at the latest, in spite of comments', async () => {
    const limits = { firstTokenTimeoutMs: 3000, streamIdleTimeoutMs: 30_000 };
    const { afterMs, reason } = await abortAfter(
      [
        [0, 'finishing'],
        [6000, 'heard'],
      ],
      limits,
    );

    expect(afterMs).toBe(10_000);
    expect(reason).toMatchObject({
      code: 'stream_stalled',
      message: 'The model sent nothing for 10 s in the middle of its answer.',
    });
  });
});

describe('a watch over the silence of a model', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('does not count the time in which nobody waits for the model', async () => {
    const watch = new SilenceWatch({ firstTokenTimeoutMs: 3000, streamIdleTimeoutMs: 1000 });
    await advance(watch, 2000);
    await vi.advanceTimersByTimeAsync(60_000);
    await advance(watch, 999);
    expect(watch.signal.aborted).toBe(false);

    void watch.during(new Promise(() => {}));
    await vi.advanceTimersByTimeAsync(1);

    expect(watch.signal.aborted).toBe(true);
  });

  it('settles like the answer, and counts the wait for one that fails', async () => {
    const watch = new SilenceWatch({ firstTokenTimeoutMs: 3000, streamIdleTimeoutMs: 1000 });
    const failing = watch.during(new Promise((_, reject) => void setTimeout(() => reject(new Error('cut')), 2000)));
    await Promise.all([expect(failing).rejects.toThrow('cut'), vi.advanceTimersByTimeAsync(2000)]);
    expect(await watch.during(Promise.resolve('Sunny.'))).toBe('Sunny.');

    void watch.during(new Promise(() => {}));
    await vi.advanceTimersByTimeAsync(1000);

    expect(watch.signal.aborted).toBe(true);
  });

  it('keeps one timer at most, and none after it stops', async () => {
    const watch = new SilenceWatch({ firstTokenTimeoutMs: 3000, streamIdleTimeoutMs: 1000 });
    void watch.during(new Promise(() => {}));
    watch.begun();
    void watch.during(new Promise(() => {}));
    void watch.during(new Promise(() => {}));
    expect(vi.getTimerCount()).toBe(1);

    watch.stop();

    expect(vi.getTimerCount()).toBe(0);
  });
});
