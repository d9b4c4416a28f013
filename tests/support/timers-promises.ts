/**
 * The `setTimeout` of `node:timers/promises`, made of the global one, which `vi.useFakeTimers` replaces. A test of code
 * that waits with the former takes this one: `vi.mock('node:timers/promises', () => import(...))`.
 */
export function setTimeout<T>(ms: number, value?: T, options?: { readonly signal?: AbortSignal }): Promise<T> {
  const signal = options?.signal;
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = globalThis.setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve(value as T);
    }, ms);
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort);
  });
}
