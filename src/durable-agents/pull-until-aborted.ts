import { raceAbort } from '../functions/time-limits.js';

/**
 * Yields what `source` yields, and throws the signal's reason as soon as it is aborted, also while `source` is stuck
 * or pays no heed to the signal. `source` is expected to free what it holds when the signal is aborted.
 */
export async function* pullUntilAborted<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T, void> {
  const iterator = source[Symbol.asyncIterator]();
  for (;;) {
    signal.throwIfAborted();
    const next = await raceAbort(iterator.next(), signal);
    if (next.done) return;
    yield next.value;
  }
}
