import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { consume, Countdown, pause, raceAbort, withTimeout } from '../../src/functions/time-limits.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('withTimeout settles like the call and clears its timer', async () => {
  await expect(withTimeout(1000, async () => 'answer')).resolves.toBe('answer');
  await expect(withTimeout(1000, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(vi.getTimerCount()).toBe(0);
});

it('withTimeout aborts a slow call and throws a TimeoutError, however the call then fails', async () => {
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
  await Promise.all([expect(late).rejects.toThrow('Timed out after 1000 ms.'), vi.advanceTimersByTimeAsync(1)]);
  expect(signal?.aborted).toBe(true);
});

const never = new Promise<never>(() => {});

describe('raceAbort', () => {
  it('settles like the promise and removes its listener', async () => {
    const { signal } = new AbortController();
    const remove = vi.spyOn(signal, 'removeEventListener');

    await expect(raceAbort(Promise.resolve('answer'), signal)).resolves.toBe('answer');
    await expect(raceAbort(Promise.reject(new Error('no')), signal)).rejects.toThrow('no');

    expect(remove).toHaveBeenCalledTimes(2);
  });

  it('rejects with the reason when the signal is aborted', async () => {
    const controller = new AbortController();
    const racing = raceAbort(never, controller.signal);

    controller.abort(new Error('too late'));

    await expect(racing).rejects.toThrow('too late');
  });

  it('rejects if the signal is already aborted', async () => {
    await expect(raceAbort(never, AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late');
  });
});

describe('pause', () => {
  it('ends after the given time or when it is woken', async () => {
    const wake = new AbortController();
    const ended: string[] = [];
    void pause(1000).then(() => ended.push('timed'));
    void pause(1000, wake.signal).then(() => ended.push('woken'));

    wake.abort();
    await vi.advanceTimersByTimeAsync(0);
    expect(ended).toEqual(['woken']);
    await vi.advanceTimersByTimeAsync(1000);
    expect(ended).toEqual(['woken', 'timed']);
  });
});

/** Counts from 1 and records whether it was closed. */
function counting(limit = Infinity) {
  const source = { isClosed: false, values };
  async function* values(): AsyncGenerator<number, void> {
    try {
      for (let value = 1; value <= limit; value += 1) yield value;
    } finally {
      source.isClosed = true;
    }
  }
  return source;
}

const options = (signal = new AbortController().signal) => {
  const closeErrors: unknown[] = [];
  return { signal, closeTimeoutMs: 100, onCloseError: (error: unknown) => void closeErrors.push(error), closeErrors };
};

const refuse = (): never => {
  throw new Error('no');
};

describe('consume', () => {
  it('visits each value, and waits for a returned promise before the next one', async () => {
    const visited: string[] = [];
    const visit = async (value: number): Promise<void> => {
      visited.push(`${value} begins`);
      await Promise.resolve();
      visited.push(`${value} ends`);
    };

    await consume(counting(2).values(), visit, options());

    expect(visited).toEqual(['1 begins', '1 ends', '2 begins', '2 ends']);
  });

  it('closes the source when a visit throws', async () => {
    const source = counting();

    await expect(consume(source.values(), refuse, options())).rejects.toThrow('no');

    expect(source.isClosed).toBe(true);
  });

  it('closes the source when it is aborted, and visits no more values', async () => {
    const source = counting();
    const controller = new AbortController();
    const visited: number[] = [];
    const visit = (value: number): void => {
      visited.push(value);
      if (value === 3) controller.abort(new Error('enough'));
    };

    await expect(consume(source.values(), visit, options(controller.signal))).rejects.toThrow('enough');

    expect([visited, source.isClosed]).toEqual([[1, 2, 3], true]);
  });

  it('does not close a source that failed', async () => {
    const close = vi.fn<() => Promise<IteratorResult<number>>>(async () => ({ done: true, value: undefined }));
    const source = {
      [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('broken')), return: close }),
    };

    await expect(consume(source, () => undefined, options())).rejects.toThrow('broken');

    expect(close).not.toHaveBeenCalled();
  });

  it.each([
    { how: 'hangs', close: () => never, error: 'Timed out after 100 ms.' },
    { how: 'fails', close: () => Promise.reject(new Error('not closed')), error: 'not closed' },
  ])('reports a source whose close $how, and throws the abort reason', async ({ close, error }) => {
    const source = { [Symbol.asyncIterator]: () => ({ next: () => never, return: close }) };
    const controller = new AbortController();
    const given = options(controller.signal);

    const consuming = consume(source, () => undefined, given);
    controller.abort(new Error('enough'));

    await Promise.all([expect(consuming).rejects.toThrow('enough'), vi.advanceTimersByTimeAsync(100)]);
    expect(given.closeErrors).toMatchObject([{ message: error }]);
  });
});

describe('Countdown', () => {
  it('expires once after its last start', async () => {
    const onExpire = vi.fn<() => void>();
    const countdown = new Countdown(onExpire);

    countdown.start(1000);
    await vi.advanceTimersByTimeAsync(900);
    countdown.start(1000);
    await vi.advanceTimersByTimeAsync(999);
    expect(onExpire).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(onExpire).toHaveBeenCalledOnce();
    await vi.advanceTimersByTimeAsync(5000);
    expect(onExpire).toHaveBeenCalledOnce();
  });

  it('expires early when it starts again with a shorter time', async () => {
    const onExpire = vi.fn<() => void>();
    const countdown = new Countdown(onExpire);

    countdown.start(10_000);
    countdown.start(10);
    await vi.advanceTimersByTimeAsync(10);

    expect(onExpire).toHaveBeenCalledOnce();
  });

  it('reuses one timer, does not expire while stopped, and clears it on close', async () => {
    const onExpire = vi.fn<() => void>();
    const countdown = new Countdown(onExpire);

    for (let start = 0; start < 100; start += 1) {
      countdown.start(1000);
      countdown.stop();
    }
    expect([vi.getTimerCount(), countdown.remainingMs]).toEqual([1, Infinity]);
    await vi.advanceTimersByTimeAsync(2000);
    countdown.start(1000);
    countdown.close();

    expect([vi.getTimerCount(), onExpire.mock.calls.length]).toEqual([0, 0]);
  });
});
