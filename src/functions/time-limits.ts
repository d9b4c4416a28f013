import { setTimeout as delay } from 'node:timers/promises';

export interface TimeoutOptions {
  /** Whether the process may exit while the call is pending. @default false */
  readonly isBackground?: boolean;
}

/**
 * Makes a call and stops waiting for it after `timeoutMs`, whatever the callee's own retries do.
 *
 * @param call receives a signal that is aborted when the time is up
 * @throws Error when there is no answer within `timeoutMs`; the call may still take effect
 */
export async function withTimeout<Result>(
  timeoutMs: number,
  call: (signal: AbortSignal) => Promise<Result>,
  { isBackground = false }: TimeoutOptions = {},
): Promise<Result> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const error = new Error(`There was no answer within ${timeoutMs} ms.`);
      // Before the call fails in some other way because it is aborted.
      reject(error);
      controller.abort(error);
    }, timeoutMs);
    if (isBackground) timer.unref();
  });
  try {
    return await Promise.race([call(controller.signal), timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** Settles as `promise` does, unless `signal` is aborted first: then it rejects with the signal's reason. */
export function raceAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** Waits for `ms` milliseconds, or until `wake` is aborted. Never rejects. */
export async function pause(ms: number, wake?: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, wake && { signal: wake });
  } catch (error) {
    if (!wake?.aborted) throw error;
  }
}
