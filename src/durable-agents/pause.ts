import { setTimeout as delay } from 'node:timers/promises';

/** Waits for some time, or until the signal is aborted. @param wake absent: for all of the time */
export async function pause(ms: number, wake?: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, wake && { signal: wake });
  } catch (error) {
    if (!wake?.aborted) throw error;
  }
}
