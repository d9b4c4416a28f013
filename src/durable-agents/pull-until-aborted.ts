/**
 * Yields what `source` yields, and throws the signal's reason as soon as it is aborted, also while `source` is stuck
 * or pays no heed to the signal. `source` is expected to free what it holds when the signal is aborted.
 */
export async function* pullUntilAborted<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T, void> {
  const iterator = source[Symbol.asyncIterator]();
  for (;;) {
    signal.throwIfAborted();
    const next = await orAborted(iterator.next(), signal);
    if (next.done) return;
    yield next.value;
  }
}

/** Settles as `promise` does, unless `signal` is aborted first: then it rejects with the signal's reason. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
