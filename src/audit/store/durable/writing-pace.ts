/** How often a process that writes to a thread without a pause lets other processes change it, at most. */
const ROOM_EVERY_MS = 500;
/**
 * How long it then waits, as a multiple of its own write duration. Another process needs a read and a write, and starts
 * them up to a read, a write and a pause after the start of the wait. The rest allows for a slower process.
 */
const ROOM_IN_WRITES = 7;
/** With a slow store, a longer wait would cost the run the time that it may wait for the store. */
const MAX_ROOM_MS = 2000;
/** The writer has at least this multiple of the wait for its own writes. */
const WRITING_PER_ROOM = 2;
/** Weight of the latest write in the average duration. */
const LATEST_WRITE_WEIGHT = 0.25;

/**
 * When a process that writes to a thread leaves room for others. Without pauses, every change by another process would
 * conflict. Times are those of `performance`.
 */
export class WritingPace {
  /** Average duration of a write. Undefined before the first one. */
  #writeMs: number | undefined;
  #writtenAt = 0;
  /** When other processes last had room for a change. */
  #roomAt = 0;

  /** @returns how long to wait before the next write, in milliseconds */
  nextPauseMs(now: number): number {
    if (this.#writeMs === undefined) return 0;
    const roomMs = Math.min(ROOM_IN_WRITES * this.#writeMs, MAX_ROOM_MS);
    const idleMs = now - this.#writtenAt;
    const isDue = now - this.#roomAt >= Math.max(ROOM_EVERY_MS, WRITING_PER_ROOM * roomMs);
    if (idleMs < roomMs && !isDue) return 0;
    const pauseMs = Math.max(0, roomMs - idleMs);
    this.#roomAt = now + pauseMs;
    return pauseMs;
  }

  noteWrite(startedAt: number, endedAt: number): void {
    const latestMs = endedAt - startedAt;
    if (this.#writeMs === undefined) [this.#writeMs, this.#roomAt] = [latestMs, startedAt];
    else this.#writeMs += LATEST_WRITE_WEIGHT * (latestMs - this.#writeMs);
    this.#writtenAt = endedAt;
  }
}
