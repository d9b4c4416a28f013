import { errorText } from '../../functions/error-text.js';
import type { Logger } from '../../functions/logger.js';
import { withTimeout } from '../../functions/time-limits.js';
import type { StoredValue } from '../../storage/key-value-store.js';
import { nextExpiry, type WaitingRun } from '../approvals/waiting-run.js';
import type { WaitingThreads } from '../approvals/waiting-threads.js';
import { endedRunOf } from '../client/read-run.js';
import { AgentError } from '../errors.js';
import {
  CANCELLED_END,
  endedRun,
  isEnded,
  type NewRun,
  type RunEnd,
  type RunRecord,
  type RunStatus,
} from '../runs/run-record.js';
import type { BegunRun, RunRecords } from '../runs/run-records.js';
import type { BoundedThreadState } from '../thread/bound-thread-state.js';
import type { ThreadEntry } from '../thread/thread-state.js';
import type { ThreadIndex } from '../threads/thread-index.js';

const WRITE_TIMEOUT_MS = 1000;

export interface RunDeliveryOptions {
  readonly runRecords: RunRecords;
  readonly threadIndex: ThreadIndex;
  readonly waitingThreads: WaitingThreads;
  readonly run: NewRun;
  /** The redacted message, for the list of threads. */
  readonly shownMessage: string;
  /** The user who owns a new thread. Undefined if it has no owner. */
  readonly owner?: string | undefined;
  readonly log: Logger;
  readonly now?: () => Date;
}

/**
 * Keeps the record of one delivery of a run and the list of threads up to date. Each write delays the run by at most a
 * second. Failures are logged, and the run continues.
 */
export class RunDelivery {
  readonly #options: RunDeliveryOptions;
  readonly #now: () => Date;
  readonly #cancellation = new AbortController();
  #stored: StoredValue | undefined;
  #record: RunRecord | undefined;
  #listed: Promise<StoredValue | undefined> = Promise.resolve(undefined);
  #stopFollowing = (): void => {};

  constructor(options: RunDeliveryOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => new Date());
  }

  /** Aborted with an {@link AgentError} when the run is cancelled. */
  get signal(): AbortSignal {
    return this.#cancellation.signal;
  }

  /**
   * Records the start of the delivery, unless the run was cancelled or its thread deleted.
   *
   * @param deliveries - number of deliveries including this one, as reported by the host
   * @param hasWaited - whether the thread's state has the run as waiting
   * @returns undefined if the record cannot be written
   */
  async begin(deliveries: number, hasWaited: boolean): Promise<BegunRun | undefined> {
    const { runRecords, run } = this.#options;
    const begun = await this.#within('the start of the run could not be recorded', () =>
      runRecords.begin(run, deliveries, hasWaited),
    );
    if (begun?.status === 'running') {
      this.#record = begun.record;
      this.#stored = begun.stored;
      this.#stopFollowing = runRecords.follow(run, () => this.#cancel());
      this.#listed = this.#list('running', begun.record);
    } else if (begun?.status === 'cancelled') {
      this.#record = begun.record;
      this.#cancel();
    }
    return begun;
  }

  /** Returns whether a cancellation of the run was requested. False if that cannot be read. */
  async isCancelRequested(): Promise<boolean> {
    const { runRecords, run } = this.#options;
    const record = await this.#within('its record could not be read', () => runRecords.find(run));
    return record?.cancelRequestedAt !== undefined || record?.status === 'cancelled';
  }

  /** Records that the run waits for approval. @returns its record; undefined if that cannot be written */
  async suspend(waiting: WaitingRun, firstUpdateAt: string | undefined): Promise<RunRecord | undefined> {
    this.#stopFollowing();
    const { runRecords, run } = this.#options;
    const noted = this.noteWaiting(waiting);
    const record = await this.#within('the run could not be recorded as waiting', () =>
      runRecords.suspend(run, firstUpdateAt, this.#stored),
    );
    await Promise.all([noted, this.#list('waiting_for_approval', record, await this.#listed)]);
    return record;
  }

  /** Records when the thread's next approval expires. @param waiting - undefined: its run no longer waits */
  async noteWaiting(waiting: WaitingRun | undefined): Promise<void> {
    const { waitingThreads, run } = this.#options;
    const dueAt = waiting && nextExpiry(waiting);
    await this.#within('the expiry of its approvals could not be recorded', () => waitingThreads.note(run, dueAt));
  }

  /** Records how the run ended. */
  async end(end: RunEnd): Promise<void> {
    this.#stopFollowing();
    const { runRecords, run } = this.#options;
    const ended = this.#within('the end of the run could not be recorded', () =>
      runRecords.end(run, end, this.#stored),
    );
    const { status } = end;
    // Both at once, unless only the stored record has the time of the run's acceptance.
    const record = this.#record === undefined ? await ended : endedRun(this.#record, end, this.#now().toISOString());
    const listed = this.#listed.then((known) => this.#list(status, record, known));
    await Promise.all([ended, listed]);
  }

  /** Ends the record of a run that an earlier delivery ended without being able to record it. */
  async repair(history: readonly ThreadEntry[]): Promise<void> {
    const { runRecords, run } = this.#options;
    await this.#within('the end of the run could not be recorded', async () => {
      const record = await runRecords.find(run);
      if (record === undefined || isEnded(record)) return;
      const ended = endedRunOf(history, run.correlationId, record);
      if (ended !== undefined) await runRecords.correct(run, ended);
    });
  }

  /** Records that turns were dropped from the conversation, so that their runs are not repeated. */
  async noteDropped(turns: BoundedThreadState['droppedTurns']): Promise<void> {
    const { runRecords, run } = this.#options;
    await this.#within('dropped turns could not be recorded for their runs', async () => {
      const notes = turns.map(async (turn, index) => {
        const correlationId = turn.find((entry) => entry.correlationId !== undefined)?.correlationId;
        if (correlationId === undefined) return;
        const history = turns.slice(0, index + 1).flat();
        const endOf = (record?: RunRecord) => endedRunOf(history, correlationId, record);
        await runRecords.noteDropped({ ...run, correlationId }, endOf);
      });
      await Promise.all(notes);
    });
  }

  /** Stops following the run. */
  close(): void {
    this.#stopFollowing();
  }

  #cancel(): void {
    this.#cancellation.abort(new AgentError('cancelled', CANCELLED_END.error));
  }

  #list(status: RunStatus, record: RunRecord | undefined, known?: StoredValue): Promise<StoredValue | undefined> {
    const { runRecords, threadIndex, run, owner, shownMessage } = this.#options;
    const activity = { message: shownMessage, status, at: this.#now(), owner, run: record };
    return this.#within('the list of threads could not be updated', () =>
      threadIndex.touch(run, activity, known, () => runRecords.isDeleted(run)),
    );
  }

  async #within<Result>(what: string, call: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await withTimeout(WRITE_TIMEOUT_MS, call);
    } catch (error) {
      const { run, log } = this.#options;
      log.warn(`[${run.agentName}][${run.correlationId}] ${what}: ${errorText(error)} (thread ${run.threadId})`);
      return undefined;
    }
  }
}
