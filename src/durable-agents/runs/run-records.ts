import { type KeyValueStore, retryCommit, type StoredValue } from '../../storage/key-value-store.js';
import type { RunIdentity } from '../run-event-source.js';
import { type ThreadIdentity, threadPartition } from '../thread/thread-identity.js';
import {
  begunRun,
  CANCELLED_END,
  endedRun,
  FOREIGN_THREAD_END,
  isEnded,
  type NewRun,
  parseRunRecord,
  queuedRun,
  type RecordedEnd,
  suspendedRun,
  type RunEnd,
  type RunRecord,
} from './run-record.js';
import { interruptedRuns, RunOrder } from './run-order.js';
import { changesOf, runKey, type RunPage, type RunPageQuery, RunRows } from './run-rows.js';
import { refuses, type Tombstone } from './tombstones.js';

/** Changes with each run that is accepted on the condition that its thread is idle. */
const CLAIM_KEY = 'claim';

/** The result of accepting a run. */
export interface AcceptedRun {
  /** `known`: it was accepted before. `busy`: another run of the thread has not ended; `record` is that one. */
  readonly status: 'accepted' | 'known' | 'busy';
  readonly record: RunRecord;
}

/** The result of starting a delivery. */
export type BegunRun =
  | {
      readonly status: 'running' | 'cancelled';
      readonly record: RunRecord;
      /** The written record, for {@link RunRecords.end}. Undefined if the run is cancelled. */
      readonly stored?: StoredValue;
      /** When the thread was deleted, if its entity has not deleted its state yet. */
      readonly deletedAt: string | undefined;
      /** Whether the delivery continues an attempt that has waited. */
      readonly continues: boolean;
    }
  /** The run has already ended, and its turn is no longer in the conversation. */
  | { readonly status: 'ended'; readonly record: RunRecord }
  /** The run belongs to a thread that was deleted. */
  | { readonly status: 'refused' };

/**
 * Stores a record of each run outside its thread's entity: the data that callers may see, and requests to cancel it.
 * Methods reject with an `UnavailableError` if the store is unreachable.
 */
export class RunRecords {
  readonly #store: KeyValueStore;
  readonly #rows: RunRows;
  readonly #now: () => Date;
  readonly #order: RunOrder;

  constructor(store: KeyValueStore, now: () => Date = () => new Date()) {
    this.#store = store;
    this.#rows = new RunRows(store, now);
    this.#now = now;
    this.#order = new RunOrder(now);
  }

  /** @param options.interrupts - whether the run cancels the earlier ones */
  async accept(run: NewRun, { interrupts = false } = {}): Promise<AcceptedRun> {
    const partition = threadPartition(run);
    const record = { ...queuedRun(run, this.#order.next()), ...(interrupts && { interrupts }) };
    const key = runKey(run.correlationId);
    return retryCommit(async () => {
      const tag = await this.#store.commit(partition, { key, tag: undefined }, changesOf(undefined, record));
      if (tag !== undefined) return { status: 'accepted', record };
      const stored = await this.#store.read({ partition, key });
      return stored && { status: 'known', record: parseRunRecord(stored.value) };
    });
  }

  /** Accepts a run if all other runs of its thread have ended. Of several runs at once, only one is accepted. */
  async acceptIfIdle(run: NewRun): Promise<AcceptedRun> {
    const partition = threadPartition(run);
    const key = runKey(run.correlationId);
    const record = queuedRun(run, this.#order.next());
    return retryCommit(async () => {
      const found = await this.#store.readMany(partition, [CLAIM_KEY, key]);
      const known = found.get(key);
      if (known !== undefined) return { status: 'known', record: parseRunRecord(known.value) };
      const open = await this.listOpen(run);
      const busy = open.find(({ status }) => status !== 'queued') ?? open[0];
      if (busy !== undefined) return { status: 'busy', record: busy };
      const changes = [...changesOf(undefined, record), { key: CLAIM_KEY, value: run.correlationId }];
      const tag = await this.#store.commit(partition, { key: CLAIM_KEY, tag: found.get(CLAIM_KEY)?.tag }, changes);
      return tag === undefined ? undefined : { status: 'accepted', record };
    });
  }

  /** Cancels the runs of a thread before this one; also this one, if a later one interrupts it. */
  async interrupt(run: RunIdentity, record: RunRecord): Promise<void> {
    const interrupted = interruptedRuns(await this.listOpen(run), record);
    await Promise.all(interrupted.map(({ correlationId }) => this.cancel({ ...run, correlationId })));
  }

  /** Removes a run that could not be sent to its entity. */
  remove(run: RunIdentity): Promise<void> {
    return this.#rows.remove(run);
  }

  async find(run: RunIdentity): Promise<RunRecord | undefined> {
    const stored = await this.#store.read({ partition: threadPartition(run), key: runKey(run.correlationId) });
    return stored && parseRunRecord(stored.value);
  }

  /** Returns whether a run without a record belongs to a deleted thread. */
  async isDeleted(run: NewRun): Promise<boolean> {
    const { record, tombstone } = await this.#rows.findWithTombstone(run);
    return record === undefined && tombstone !== undefined && refuses(tombstone, run, record);
  }

  /** Returns how a run ended if the conversation will not show it: for example, its turn was dropped or deleted. */
  async findUnseenEnd(run: Omit<NewRun, 'message'>): Promise<RecordedEnd | undefined> {
    const { record, tombstone } = await this.#rows.findWithTombstone(run);
    if (record === undefined) return tombstone && refuses(tombstone, run, record) ? CANCELLED_END : undefined;
    const { status, errorCode, droppedAt } = record;
    const isUnseen = status === 'cancelled' || errorCode === FOREIGN_THREAD_END.errorCode || droppedAt !== undefined;
    return isUnseen ? record : undefined;
  }

  /** Returns the thread's runs, newest first. @param query.after - see {@link RunPage.next} */
  list(thread: ThreadIdentity, query: RunPageQuery): Promise<RunPage> {
    return this.#rows.page(thread, query);
  }

  /** Returns the thread's open runs, in the order of their acceptance. */
  async listOpen(thread: ThreadIdentity): Promise<RunRecord[]> {
    const rows = await this.#rows.list(thread, { from: 'open|', before: 'open~' });
    return (await this.#rows.records(thread, rows)).filter((run) => !isEnded(run));
  }

  /**
   * Cancels a run. A queued run ends at once; a running one ends soon, or at once if it can no longer be running.
   *
   * @returns the new record; undefined if the run is unknown
   */
  cancel(run: RunIdentity, { mayRun = true } = {}): Promise<RunRecord | undefined> {
    const now = this.#now().toISOString();
    return this.#rows.change(run, (record) => {
      if (record === undefined || isEnded(record)) return undefined;
      if (record.status === 'queued' || !mayRun) return endedRun(record, CANCELLED_END, now);
      return record.cancelRequestedAt === undefined ? { ...record, cancelRequestedAt: now } : undefined;
    });
  }

  /**
   * Starts a delivery of a run.
   *
   * @param deliveries - number of deliveries including this one, as reported by the host
   * @param hasWaited - whether the thread's state has the run as waiting
   */
  async begin(run: NewRun, deliveries: number, hasWaited = false): Promise<BegunRun> {
    const partition = threadPartition(run);
    const key = runKey(run.correlationId);
    return retryCommit(async () => {
      const { stored, record: known, tombstone } = await this.#rows.findWithTombstone(run);
      if (tombstone !== undefined && refuses(tombstone, run, known)) {
        // Until the entity is empty, a repeated deletion must find the record open and wait.
        if (tombstone.emptiedAt !== undefined) await this.cancel(run, { mayRun: false });
        return { status: 'refused' };
      }
      const deletedAt = tombstone?.emptiedAt === undefined ? tombstone?.deletedAt : undefined;
      if (known?.droppedAt !== undefined) return { status: 'ended', record: known };
      // After a crash the record is still open, and the events start over.
      const continues = hasWaited && known?.status === 'waiting_for_approval';
      const queued = known ?? queuedRun(run, this.#order.next());
      const record = begunRun(queued, deliveries, this.#now().toISOString(), continues);
      if (known?.status === 'cancelled' || known?.cancelRequestedAt !== undefined) {
        return { status: 'cancelled', record, deletedAt, continues };
      }
      const changes = changesOf(known, record);
      const tag = await this.#store.commit(partition, { key, tag: stored?.tag }, changes);
      if (tag === undefined) return undefined;
      return { status: 'running', record, stored: { key, value: JSON.stringify(record), tag }, deletedAt, continues };
    });
  }

  /** Records that a run waits for approval. @param stored - the record that {@link begin} wrote, which saves a read */
  suspend(run: NewRun, firstUpdateAt: string | undefined, stored?: StoredValue): Promise<RunRecord | undefined> {
    return this.#keep(run, (record) => suspendedRun(record, firstUpdateAt), stored);
  }

  /**
   * Records how a run ended, unless its record already has this status. Replaces a different end.
   *
   * @param stored - the record that {@link begin} wrote, which saves a read
   * @returns the new record
   */
  end(run: NewRun, end: RunEnd, stored?: StoredValue): Promise<RunRecord | undefined> {
    const now = this.#now().toISOString();
    return this.#keep(run, (record) => (record.status === end.status ? undefined : endedRun(record, end, now)), stored);
  }

  /** Changes the record of a run that has started. Creates a missing record, unless the run's thread was deleted. */
  #keep(run: NewRun, change: (record: RunRecord) => RunRecord | undefined, stored: StoredValue | undefined) {
    const changeOrCreate = (record: RunRecord | undefined, tombstone?: Tombstone): RunRecord | undefined => {
      if (record !== undefined) return change(record);
      if (tombstone !== undefined && refuses(tombstone, run, record)) return undefined;
      return change(stored === undefined ? queuedRun(run, this.#order.next()) : parseRunRecord(stored.value));
    };
    return this.#rows.change(run, changeOrCreate, stored);
  }

  /** Replaces a record that has not ended with an ended run from the conversation. @returns the newest record */
  correct(run: RunIdentity, ended: RunRecord): Promise<RunRecord | undefined> {
    return this.#rows.change(run, (record) => (record === undefined || isEnded(record) ? undefined : ended));
  }

  /**
   * Records that the turn of a run was dropped from the conversation.
   *
   * @param endOf - returns the ended run from the conversation, given its record, if any
   */
  async noteDropped(run: RunIdentity, endOf: (record?: RunRecord) => RunRecord | undefined): Promise<void> {
    const droppedAt = this.#now().toISOString();
    await this.#rows.change(run, (record) => {
      const ended = record !== undefined && isEnded(record) ? record : endOf(record);
      return ended && { ...ended, droppedAt };
    });
  }

  /** Calls `onCancel` when the run is cancelled. @returns a function that stops following */
  follow(run: RunIdentity, onCancel: () => void): () => void {
    const address = { partition: threadPartition(run), key: runKey(run.correlationId) };
    return this.#store.follow(address, (stored) => {
      if (stored === undefined) return;
      const { status, cancelRequestedAt } = parseRunRecord(stored.value);
      if (status === 'cancelled' || cancelRequestedAt !== undefined) onCancel();
    });
  }

  /** Removes all data of a thread's runs, except its tombstone. */
  clear(thread: ThreadIdentity): Promise<void> {
    return this.#rows.clear(thread);
  }
}
