import type { DurableClient, EntityId } from 'durable-functions';
import { errorText } from '../../functions/error-text.js';
import { HttpError } from '../../functions/http-error.js';
import type { Logger } from '../../functions/logger.js';
import { pause, TimeoutError, withTimeout } from '../../functions/time-limits.js';
import { ThreadStateError } from '../errors.js';
import { hasExpiredApprovals } from '../approvals/waiting-run.js';
import type { RunCompletionNotifier } from '../run-completion-notifier.js';
import { signalResume } from './decide-approval.js';
import { type AnsweredOutcome, findOutcome, findWaiting, recordedOutcome, type RunOutcome } from './run-outcome.js';
import type { RunRequest } from '../run-request.js';
import type { RunRecords } from '../runs/run-records.js';
import { findThreadEntity, readThreadState } from '../thread/thread-entity.js';

const FIRST_PAUSE_MS = 50;
const SIGNAL_TIMEOUT_MS = 10_000;
const MIN_SIGNAL_TIMEOUT_MS = 1000;
const READ_TIMEOUT_MS = 5000;
const MAX_LAST_POLL_MS = 1000;

export interface AgentClientOptions {
  readonly durableClient: DurableClient;
  readonly agentName: string;
  readonly threadId: string;
  readonly log: Logger;
  readonly completions: RunCompletionNotifier;
  readonly runRecords: RunRecords;
  /** Maximum polling interval for a run in another process. */
  readonly pollIntervalMs: number;
  /** How long a caller waits in total, from the creation of the client. */
  readonly maxWaitMs: number;
}

/** A run that the entity of its thread has accepted. */
export interface StartedRun {
  /**
   * Waits until the run ends or begins to wait for approval. Call it once.
   *
   * @returns `undefined` on timeout; the run continues
   */
  outcome(): Promise<RunOutcome | undefined>;
  /** Call it instead of `outcome` if the caller does not wait. */
  leave(): void;
}

/**
 * Serves one request: starts a run in the entity of a thread, and waits for it. All calls end within `maxWaitMs`, or a
 * second if that is more; the host's own calls have no time limit.
 */
export class AgentClient {
  readonly #options: AgentClientOptions;
  readonly #endsAtMs: number;
  #entity: Promise<EntityId> | undefined;
  /** Whether the run was resumed, because an approval has expired. */
  #hasResumed = false;

  constructor(options: AgentClientOptions) {
    this.#options = options;
    this.#endsAtMs = performance.now() + options.maxWaitMs;
  }

  /**
   * Sends a request to the thread's entity. Resolves when the host has accepted it, long before the answer.
   *
   * @throws HttpError 503 if the host does not accept it in time
   */
  async start(request: RunRequest): Promise<StartedRun> {
    const { completions, durableClient } = this.#options;
    // Watch before the run can start, because its end is announced only once.
    const watch = completions.watch(request.correlationId);
    try {
      const timeoutMs = Math.min(SIGNAL_TIMEOUT_MS, Math.max(MIN_SIGNAL_TIMEOUT_MS, this.#leftMs()));
      await withTimeout(timeoutMs, async () => {
        await durableClient.signalEntity(await this.#findEntity(), 'run', request);
      });
    } catch (error) {
      watch.stop();
      if (!(error instanceof TimeoutError)) throw error;
      const message = 'The host did not accept the run in time. It may still run: repeat only with an Idempotency-Key.';
      throw new HttpError(503, message, { cause: error });
    }
    return {
      outcome: () => this.#waitForOutcome(request, watch.ended).finally(() => watch.stop()),
      leave: () => watch.stop(),
    };
  }

  /**
   * Returns how a run ended, or its open approvals; `undefined` until that is committed.
   *
   * @throws ThreadStateError if this version cannot read the thread's state
   */
  async readOutcome(correlationId: string): Promise<RunOutcome | undefined> {
    const { durableClient } = this.#options;
    const state = await this.#withinLimit(async () => readThreadState(durableClient, await this.#findEntity()));
    const { conversationHistory: history, truncation } = state.data;
    const outcome = findOutcome(history, correlationId) ?? findWaiting(state, correlationId);
    if (outcome === undefined && !this.#hasResumed && hasExpiredApprovals(state, correlationId)) {
      this.#hasResumed = true;
      await this.#withinLimit(() => signalResume(this.#options, durableClient));
    }
    if (outcome?.status !== 'success') return outcome;
    // Earlier turns may have been dropped since the run ended.
    const isMoved = truncation !== undefined && outcome.messageCount < history.length;
    return outcome.isCut || isMoved ? this.#asRecorded(outcome, correlationId) : outcome;
  }

  /** Reads the answer from the run's record, if the conversation no longer has it as it was. */
  async #asRecorded(outcome: AnsweredOutcome, correlationId: string): Promise<RunOutcome> {
    const { agentName, threadId, runRecords, log } = this.#options;
    try {
      const record = await withTimeout(READ_TIMEOUT_MS, () => runRecords.find({ agentName, threadId, correlationId }));
      const { response = outcome.response, messageCount = outcome.messageCount } = record ?? {};
      return { ...outcome, response, messageCount };
    } catch (error) {
      log.warn(`[${agentName}][${correlationId}] its answer could not be read from its record: ${errorText(error)}`);
      return outcome;
    }
  }

  /**
   * Each read transfers the whole state of the thread. A run in this process announces its end, so its answer is read
   * once, when it is likely to be committed. Other runs are polled, with growing intervals.
   */
  async #waitForOutcome(request: RunRequest, ended: AbortSignal): Promise<RunOutcome | undefined> {
    const { correlationId } = request;
    const { completions, pollIntervalMs, maxWaitMs } = this.#options;
    const lastPollAtMs = this.#endsAtMs - Math.min(MAX_LAST_POLL_MS, maxWaitMs / 10);
    let pauseMs = FIRST_PAUSE_MS;
    let endedAtMs: number | undefined;
    for (let reads = 0; ;) {
      const remainingMs = Math.max(0, lastPollAtMs - performance.now());
      const isAnnounced = endedAtMs === undefined && completions.isRunning(correlationId);
      let isLastPoll = isAnnounced || remainingMs <= pauseMs;
      await pause(isLastPoll ? remainingMs : pauseMs, endedAtMs === undefined ? ended : undefined);
      if (ended.aborted && endedAtMs === undefined) {
        endedAtMs = performance.now();
        isLastPoll = false;
        reads = 0;
        pauseMs = 0;
        if (completions.commitMs > 0) await pause(Math.min(completions.commitMs, this.#leftMs()));
      } else if (!isLastPoll && endedAtMs === undefined && completions.isRunning(correlationId)) {
        continue;
      } else {
        pauseMs = Math.min(Math.max(pauseMs * 2, 1), pollIntervalMs);
      }
      const readAtMs = performance.now();
      const outcome = await this.#poll(correlationId, isLastPoll);
      reads += 1;
      if (outcome !== undefined && endedAtMs !== undefined) completions.sawCommit(readAtMs - endedAtMs, reads === 1);
      if (outcome !== undefined || isLastPoll || this.#leftMs() === 0) return outcome;
      // A run that is cancelled in the queue has ended long before its entity handles it.
      const unseen = pauseMs === pollIntervalMs ? await this.#findUnseenEnd(request) : undefined;
      if (unseen !== undefined) return unseen;
    }
  }

  /** Entity reads fail occasionally, so only the failure of the last poll is thrown. */
  async #poll(correlationId: string, isLastPoll: boolean): Promise<RunOutcome | undefined> {
    const { agentName, threadId, log } = this.#options;
    try {
      return await this.readOutcome(correlationId);
    } catch (error) {
      if (error instanceof ThreadStateError) return { status: 'error', error: error.message, errorCode: error.code };
      if (isLastPoll && !(error instanceof TimeoutError)) throw error;
      log.warn(`[${agentName}][${correlationId}] thread ${threadId} could not be read: ${errorText(error)}`);
      return undefined;
    }
  }

  async #findUnseenEnd({ correlationId, createdAt }: RunRequest): Promise<RunOutcome | undefined> {
    const { agentName, threadId, log, runRecords } = this.#options;
    try {
      const run = { agentName, threadId, correlationId, createdAt };
      const end = await this.#withinLimit(() => runRecords.findUnseenEnd(run));
      return end && recordedOutcome(end);
    } catch (error) {
      log.warn(
        `[${agentName}][${correlationId}] its record could not be read: ${errorText(error)} (thread ${threadId})`,
      );
      return undefined;
    }
  }

  #withinLimit<Result>(call: () => Promise<Result>): Promise<Result> {
    return withTimeout(Math.min(READ_TIMEOUT_MS, this.#leftMs()), call);
  }

  #leftMs(): number {
    return Math.max(0, this.#endsAtMs - performance.now());
  }

  async #findEntity(): Promise<EntityId> {
    const { durableClient, agentName, threadId } = this.#options;
    this.#entity ??= findThreadEntity(durableClient, agentName, threadId);
    try {
      return await this.#entity;
    } catch (error) {
      this.#entity = undefined;
      throw error;
    }
  }
}
