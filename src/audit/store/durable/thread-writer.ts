import { setTimeout as delay } from 'node:timers/promises';
import type { EventThread } from '../../domain/event-thread.js';
import type { ThreadHead } from '../../domain/thread-head.js';
import type { StoredHead, ThreadRows } from './thread-rows.js';
import { StorageError } from '../../../storage/storage-error.js';
import type { Decision, ThreadSnapshot } from '../../domain/thread-changes.js';
import type { RecordedRun, RunDescription } from '../../domain/recorded-run.js';
import { threadKey } from '../../domain/event-thread.js';

/** Time limit of one change, including retries after conflicts with other processes. */
const CHANGE_TIMEOUT_MS = 5000;
/** How often a process that writes to a thread without a pause lets other processes change it. */
const LEAVE_ROOM_EVERY_MS = 500;
/**
 * How long it then waits, as a multiple of its own write duration. Another process needs a read and a write, and starts
 * them up to a read, a write and a pause after the start of the wait. The rest allows for a slower process.
 */
const ROOM_IN_WRITES = 7;
/** Weight of the latest write in the average duration. */
const LATEST_WRITE_WEIGHT = 0.25;

/**
 * Whether to cache the thread after the change, so that the next change needs no read. `keep`: yes, because the same
 * run is likely to change it again. `forget`: no, because the run has ended. `as it is`: only if it is already cached.
 */
export type ThreadMemory = 'keep' | 'forget' | 'as it is';

/** A cached thread that this process writes to. */
interface KnownThread extends StoredHead {
  readonly runs: Map<string, RecordedRun>;
  readonly pace: WritingPace;
}

/** Times of this process's writes to a thread, by the clock of `performance`. */
interface WritingPace {
  readonly writtenAt: number;
  /** Average duration of a write. */
  readonly writeMs: number;
  /** When other processes last had room for a change. */
  readonly roomAt: number;
}

export interface ThreadWriterOptions {
  /** Called before the first change of a thread. May be called again if the change is retried. */
  readonly onNewThread: (thread: EventThread, run: RunDescription | undefined) => Promise<void>;
  /** Called after each change. */
  readonly onChange: (thread: EventThread, head: ThreadHead) => void;
}

/** Changes threads with conditional writes. After a conflict it decides again. */
export class ThreadWriter {
  readonly #rows: ThreadRows;
  readonly #options: ThreadWriterOptions;
  /** Threads with an attempt that this process writes: other processes rarely change them. */
  readonly #known = new Map<string, KnownThread>();
  /** Changes of one thread take turns, because they would conflict with each other. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(rows: ThreadRows, options: ThreadWriterOptions) {
    this.#rows = rows;
    this.#options = options;
  }

  /**
   * Applies the change that `decide` returns. After a conflict it reads the thread and decides again.
   *
   * @param correlationId - the run to decide about; `undefined` for none
   * @throws StorageError if other processes were faster for 5 s
   */
  change<Result>(
    thread: EventThread,
    correlationId: string | undefined,
    decide: (state: ThreadSnapshot) => Decision<Result>,
    memory: ThreadMemory = 'as it is',
  ): Promise<Result> {
    const key = threadKey(thread);
    const before = this.#turns.get(key) ?? Promise.resolve();
    const turn = before.then(() => this.#changeNow(thread, correlationId, decide, memory));
    const settle = (): void => {
      if (this.#turns.get(key) === settled) this.#turns.delete(key);
    };
    const settled: Promise<void> = turn.then(settle, settle);
    this.#turns.set(key, settled);
    return turn;
  }

  async #changeNow<Result>(
    thread: EventThread,
    correlationId: string | undefined,
    decide: (state: ThreadSnapshot) => Decision<Result>,
    memory: ThreadMemory,
  ): Promise<Result> {
    const key = threadKey(thread);
    const deadline = performance.now() + CHANGE_TIMEOUT_MS;
    for (let remembered = this.#known.get(key); ; remembered = undefined) {
      // The outcome of the write may be unknown, so the cached thread may be stale.
      this.#known.delete(key);
      const roomAt = remembered === undefined ? performance.now() : await leaveRoom(remembered.pace);
      const startedAt = performance.now();
      const known = remembered ?? (await this.#load(thread));
      const run = correlationId === undefined ? undefined : await this.#runOf(thread, known, correlationId);
      const { change, result } = decide({ head: known?.head, run });
      if (change === undefined) {
        // Only a fresh read can show that nothing has to change.
        if (remembered !== undefined) continue;
        return result;
      }
      if (known === undefined) await this.#options.onNewThread(thread, change.run);
      const writeStartedAt = performance.now();
      const tag = await this.#rows.commit(thread, known?.tag, change);
      const writtenAt = performance.now();
      if (tag === undefined) {
        if (writtenAt > deadline) throw new StorageError(new Error(describeConflicts(thread)));
        await delay((Math.random() * (writtenAt - startedAt)) / 2);
        continue;
      }
      this.#options.onChange(thread, change.head);
      if (memory === 'keep' || (memory === 'as it is' && remembered !== undefined)) {
        const runs = change.head.epoch === known?.head.epoch ? known.runs : new Map<string, RecordedRun>();
        if (change.run !== undefined) runs.set(change.run.correlationId, change.run);
        const latestMs = writtenAt - writeStartedAt;
        const averageMs = remembered?.pace.writeMs ?? latestMs;
        const writeMs = averageMs + LATEST_WRITE_WEIGHT * (latestMs - averageMs);
        const pace = { writtenAt, writeMs, roomAt };
        this.#known.set(key, { head: change.head, tag, runs, pace });
      }
      return result;
    }
  }

  async #load(thread: EventThread): Promise<Omit<KnownThread, 'pace'> | undefined> {
    const stored = await this.#rows.readHead(thread);
    return stored && { ...stored, runs: new Map() };
  }

  async #runOf(
    thread: EventThread,
    known: Omit<KnownThread, 'pace'> | undefined,
    correlationId: string,
  ): Promise<RecordedRun | undefined> {
    if (known === undefined) return undefined;
    const remembered = known.runs.get(correlationId);
    if (remembered !== undefined) return remembered;
    const [run] = await this.#rows.readRuns(thread, known.head.epoch, [correlationId]);
    return run;
  }
}

/**
 * Waits if this process has written for long without a pause. Otherwise every change by another process would conflict.
 *
 * @returns when other processes last had room for a change
 */
async function leaveRoom({ writtenAt, writeMs, roomAt }: WritingPace): Promise<number> {
  const now = performance.now();
  const roomMs = ROOM_IN_WRITES * writeMs;
  const idleMs = now - writtenAt;
  if (idleMs >= roomMs) return now;
  if (now - roomAt < LEAVE_ROOM_EVERY_MS) return roomAt;
  await delay(roomMs - idleMs);
  return performance.now();
}

function describeConflicts({ threadId }: EventThread): string {
  return `Other processes kept changing thread ${threadId} for ${CHANGE_TIMEOUT_MS} ms.`;
}
