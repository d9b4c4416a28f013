import { vi } from 'vitest';

export interface Patience {
  /** Timeout. Defaults to that of `expect.poll` in vitest.config.mts. */
  readonly timeoutMs?: number;
  readonly intervalMs?: number;
}

/**
 * Retries a check until it passes, and returns its result.
 *
 * @throws the error of the last check if none passed in time
 */
export function eventually<T>(
  look: () => T | Promise<T>,
  { timeoutMs = 30_000, intervalMs = 25 }: Patience = {},
): Promise<T> {
  return vi.waitFor(look, { timeout: timeoutMs, interval: intervalMs });
}
