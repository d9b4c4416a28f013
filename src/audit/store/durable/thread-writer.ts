import { setTimeout as delay } from 'node:timers/promises';
import type { EventThread } from '../../domain/event-thread.js';
import type { ThreadHead } from '../../domain/thread-head.js';
import type { StoredHead, ThreadRows } from './thread-rows.js';
import { StorageError } from '../../../storage/storage-error.js';
import type { Decision, ThreadSnapshot } from '../../domain/thread-changes.js';
import type { RecordedRun, RunDescription } from '../../domain/recorded-run.js';
import { threadKey } from '../../domain/event-thread.js';
import { WritingPace } from './writing-pace.js';

/** Time limit of one change, including retries after conflicts with other processes. */
const CHANGE_TIMEOUT_MS = 5000;

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
      const pace = remembered?.pace ?? new WritingPace();
      const pauseMs = pace.nextPauseMs(performance.now());
      if (pauseMs > 0) await delay(pauseMs);
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
        pace.noteWrite(writeStartedAt, writtenAt);
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

function describeConflicts({ threadId }: EventThread): string {
  return `Other processes kept changing thread ${threadId} for ${CHANGE_TIMEOUT_MS} ms.`;
}
