import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { withTimeout } from '../../src/functions/time-limits.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('settles as the call does that is in time, and leaves no timer behind', async () => {
  await expect(withTimeout(1000, async () => 'answer')).resolves.toBe('answer');
  await expect(withTimeout(1000, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(vi.getTimerCount()).toBe(0);
});

it('aborts a call that takes too long, and says so, however the call fails then', async () => {
  let signal: AbortSignal | undefined;
  const call = (given: AbortSignal): Promise<never> => {
    signal = given;
    return new Promise((_resolve, reject) => {
      given.addEventListener('abort', () => reject(new Error('The operation was aborted.')));
    });
  };
  const late = withTimeout(1000, call);
  await vi.advanceTimersByTimeAsync(999);
  expect(signal?.aborted).toBe(false);
  await Promise.all([
    expect(late).rejects.toThrow('There was no answer within 1000 ms.'),
    vi.advanceTimersByTimeAsync(1),
  ]);
  expect(signal?.aborted).toBe(true);
});
