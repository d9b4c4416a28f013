import { vi } from 'vitest';

export interface Patience {
  /** How long to look. Default: as long as `expect.poll` does, by vitest.config.mts. */
  readonly timeoutMs?: number;
  readonly intervalMs?: number;
}

/**
 * Looks again and again until a look passes, and gives what it gave.
 *
 * @throws what the last look threw, when none has passed in time
 */
export function eventually<T>(
  look: () => T | Promise<T>,
  { timeoutMs = 30_000, intervalMs = 25 }: Patience = {},
): Promise<T> {
  return vi.waitFor(look, { timeout: timeoutMs, interval: intervalMs });
}
