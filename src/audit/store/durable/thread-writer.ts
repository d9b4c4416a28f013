import { setTimeout as delay } from 'node:timers/promises';
import type { EventThread } from '../../domain/event-thread.js';
import type { ThreadHead } from '../../domain/thread-head.js';
import type { DurableStoreAdapter, StoredHead } from './durable-store-adapter.js';
import { EventStoreError } from '../event-store-error.js';
import type { Decision, ThreadSnapshot } from '../../domain/thread-changes.js';
import type { RunRecord } from '../../domain/run-record.js';
import { threadKey } from '../../domain/event-thread.js';

const MAX_TRIES = 20;
const MAX_CONFLICT_PAUSE_MS = 20;

/**
 * Whether a record is remembered that was changed, so that its next change needs no read. `keep`: yes, as the same run is
 * likely to change it again; `forget`: no, as the run is over; `as it is`: if it was remembered before.
 */
export type RecordMemory = 'keep' | 'forget' | 'as it is';

/** What this process knows of a thread to which it writes. */
interface KnownRecord extends StoredHead {
  readonly runs: Map<string, RunRecord>;
}

/** Changes the records of threads: each change is one conditional write. */
export class ThreadWriter {
  readonly #storage: DurableStoreAdapter;
  readonly #announce: (thread: EventThread, record: ThreadHead) => void;
  /** Of threads with an attempt that is written here: nobody else is likely to change them. */
  readonly #known = new Map<string, KnownRecord>();
  /** Changes of one thread take turns; they would only get in each other's way. */
  readonly #turns = new Map<string, Promise<unknown>>();

  /** @param announce is told of each change */
  constructor(storage: DurableStoreAdapter, announce: (thread: EventThread, record: ThreadHead) => void) {
    this.#storage = storage;
    this.#announce = announce;
  }

  /**
   * Changes a thread's record as `decide` says, which is asked again when somebody else was faster.
   *
   * @param correlationId of the run that it is about; `undefined`: of none
   */
  change<Result>(
    thread: EventThread,
    correlationId: string | undefined,
    decide: (state: ThreadSnapshot) => Decision<Result>,
    memory: RecordMemory = 'as it is',
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
    memory: RecordMemory,
  ): Promise<Result> {
    const key = threadKey(thread);
    const storage = this.#storage;
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const remembered = this.#known.get(key);
      // Whatever happens to the write, what is remembered holds no longer.
      this.#known.delete(key);
      const known = remembered ?? (await load(storage, thread));
      const run = correlationId === undefined ? undefined : await runOf(storage, thread, known, correlationId);
      const { change, result } = decide({ head: known?.head, run });
      if (change === undefined) {
        // That nothing is to be done may follow from what was remembered alone: look again.
        if (remembered !== undefined) continue;
        return result;
      }
      const tag = await storage.commit(thread, known?.tag, change);
      if (tag === undefined) {
        await delay(Math.random() * MAX_CONFLICT_PAUSE_MS);
        continue;
      }
      this.#announce(thread, change.head);
      if (memory === 'keep' || (memory === 'as it is' && remembered !== undefined)) {
        const runs = change.head.epoch === known?.head.epoch ? known.runs : new Map<string, RunRecord>();
        if (change.run !== undefined) runs.set(change.run.correlationId, change.run);
        this.#known.set(key, { head: change.head, tag, runs });
      }
      return result;
    }
    const cause = new Error(`Others changed the record of thread ${thread.threadId} ${MAX_TRIES} times in a row.`);
    throw new EventStoreError(cause);
  }
}

async function load(storage: DurableStoreAdapter, thread: EventThread): Promise<KnownRecord | undefined> {
  const stored = await storage.readHead(thread);
  return stored && { ...stored, runs: new Map() };
}

async function runOf(
  storage: DurableStoreAdapter,
  thread: EventThread,
  known: KnownRecord | undefined,
  correlationId: string,
): Promise<RunRecord | undefined> {
  if (known === undefined) return undefined;
  const remembered = known.runs.get(correlationId);
  if (remembered !== undefined) return remembered;
  const [run] = await storage.readRuns(thread, known.head.epoch, [correlationId]);
  return run;
}
