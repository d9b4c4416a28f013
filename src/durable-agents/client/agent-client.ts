import type { DurableClient } from 'durable-functions';
import { errorText } from '../../functions/error-text.js';
import { ThreadStateError } from '../errors.js';
import type { Logger } from '../../functions/logger.js';
import { pause } from '../../functions/time-limits.js';
import type { RunCompletionNotifier } from '../run-completion-notifier.js';
import { findOutcome, type RunOutcome } from './run-outcome.js';
import type { RunRequest } from '../run-request.js';
import { readStoredThread, threadEntityId } from './stored-thread.js';

const FIRST_PAUSE_MS = 25;

export interface AgentClientOptions {
  readonly completions: RunCompletionNotifier;
  /** The longest pause between two looks at a run in another process. */
  readonly pollIntervalMs: number;
  /** How long a caller is kept waiting in all. */
  readonly maxWaitMs: number;
}

/** A run that the entity of its thread has accepted. */
export interface StartedRun {
  /**
   * Waits for the run's end, to be called once; `undefined` when it takes longer than `maxWaitMs` (the run goes on).
   *
   * A look reads the whole state of the thread, so looks are rare while the run goes on, and close together once it
   * has ended and only the host's commit is awaited.
   */
  outcome(maxWaitMs: number): Promise<RunOutcome | undefined>;
}

/** Asks an agent through the entity of a thread. */
export class AgentClient {
  readonly #durableClient: DurableClient;
  readonly #log: Logger;
  readonly #options: AgentClientOptions;

  constructor(durableClient: DurableClient, log: Logger, options: AgentClientOptions) {
    this.#durableClient = durableClient;
    this.#log = log;
    this.#options = options;
  }

  /** Hands a request over to the thread's entity; resolves when it is accepted, long before it is answered. */
  async send(agentName: string, threadId: string, request: RunRequest): Promise<void> {
    await this.#durableClient.signalEntity(threadEntityId(agentName, threadId), 'run', request);
  }

  /** As {@link start} and {@link StartedRun.outcome}. */
  async sendAndWait(agentName: string, threadId: string, request: RunRequest): Promise<RunOutcome | undefined> {
    const started = await this.start(agentName, threadId, request);
    return started.outcome(this.#options.maxWaitMs);
  }

  /** Hands a request over like {@link send}, for a caller that is going to wait for its end. */
  async start(agentName: string, threadId: string, request: RunRequest): Promise<StartedRun> {
    // Watched from before the run can begin: an end that nobody watches for is not announced again.
    const watch = this.#options.completions.watch(request.correlationId);
    try {
      await this.send(agentName, threadId, request);
    } catch (error) {
      watch.stop();
      throw error;
    }
    return {
      outcome: (maxWaitMs) =>
        this.#waitForOutcome(agentName, threadId, request.correlationId, watch.ended, maxWaitMs).finally(() =>
          watch.stop(),
        ),
    };
  }

  async #waitForOutcome(
    agentName: string,
    threadId: string,
    correlationId: string,
    ended: AbortSignal,
    maxWaitMs: number,
  ): Promise<RunOutcome | undefined> {
    const deadline = performance.now() + maxWaitMs;
    let pauseMs = FIRST_PAUSE_MS;
    let sawEnd = false;
    for (;;) {
      const remainingMs = deadline - performance.now();
      let isLastLook = remainingMs <= pauseMs;
      await pause(Math.min(pauseMs, remainingMs), sawEnd ? undefined : ended);
      if (ended.aborted && !sawEnd) {
        sawEnd = true;
        isLastLook = false;
        pauseMs = 0;
      } else {
        pauseMs = Math.min(Math.max(pauseMs * 2, 1), this.#options.pollIntervalMs);
      }
      const outcome = await this.#look(agentName, threadId, correlationId, isLastLook);
      if (outcome !== undefined || isLastLook) return outcome;
    }
  }

  /** A failed read is only an error when there is no time left for another: entity reads fail now and then. */
  async #look(
    agentName: string,
    threadId: string,
    correlationId: string,
    isLastLook: boolean,
  ): Promise<RunOutcome | undefined> {
    try {
      return await this.readOutcome(agentName, threadId, correlationId);
    } catch (error) {
      if (error instanceof ThreadStateError) return { status: 'error', error: error.message, errorCode: error.code };
      if (isLastLook) throw error;
      this.#log.warn(`[${agentName}][${correlationId}] thread ${threadId} could not be read: ${errorText(error)}`);
      return undefined;
    }
  }

  /**
   * How a run ended; `undefined` while its end is not committed.
   *
   * @throws ThreadStateError for a state that this version cannot read
   */
  async readOutcome(agentName: string, threadId: string, correlationId: string): Promise<RunOutcome | undefined> {
    const { data } = await readStoredThread(this.#durableClient, agentName, threadId);
    return findOutcome(data.conversationHistory, correlationId);
  }
}
