import type { InvocationContext } from '@azure/functions';
import { withTimeout } from '../../functions/time-limits.js';
import { type AcceptedRun, type RunIdentity, type RunRecords } from '../../durable-agents/index.js';
import { errorText } from '../../functions/error-text.js';
import { type Logger } from '../../functions/logger.js';
import { answerHash } from '../domain/answer-hash.js';
import type { CallbackEventPage, CallbackEventStore, EventThread } from '../store/callback-event-store.js';
import type { StoredEvent } from '../domain/stored-event.js';
import { type RunRecord, winningAttempt } from '../domain/run-record.js';

/** By then the caller that waits for the run has seen its answer in the conversation, and marked it. */
const LOOK_AFTER_MS = 1000;
/** An answer that was not there is looked for again after this. */
const LOOK_AGAIN_MS = 10_000;
/** A page is not kept back for longer. */
const LOOK_TIMEOUT_MS = 2000;
const MAX_REMEMBERED_LOOKS = 1000;

export interface StoredRunRecordsOptions {
  readonly store: CallbackEventStore;
  /** Reads the answers that a thread's conversation holds: their texts, by correlation id. */
  readonly readAnsweredRuns: (
    context: InvocationContext,
    agentName: string,
    threadId: string,
  ) => Promise<ReadonlyMap<string, string>>;
  readonly log: Logger;
  readonly now?: () => number;
}

/** What is known of runs beside their events, in the store: above all whether an answer is in the conversation. */
export class StoredRunRecords implements RunRecords {
  readonly #options: StoredRunRecordsOptions;
  readonly #now: () => number;
  /** Runs whose answers were looked for in vain, and when. */
  readonly #looks = new Map<string, number>();

  constructor(options: StoredRunRecordsOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  async accept({ agentName, threadId, correlationId, requestMessage, requestedAt }: AcceptedRun): Promise<string> {
    const run = { correlationId, requestMessage, acceptedAt: requestedAt };
    return (await this.#options.store.acceptRun({ agentName, threadId }, run)).requestMessage;
  }

  async committed({ agentName, threadId, correlationId }: RunIdentity, answer: string): Promise<void> {
    const mark = { kind: 'committed', answer: answerHash(answer) } as const;
    await this.#options.store.markRun({ agentName, threadId }, correlationId, mark);
  }

  /**
   * Looks in the conversation for the answers of a page's unmarked final events, and marks those that are there. A
   * final event alone says only that the model gave an answer. The caller that waits for a run marks its answer, but may
   * be gone.
   *
   * @returns the page itself when nothing was marked; also when that could not be found out, in two seconds at the most
   */
  async withCommitted(page: CallbackEventPage, context: InvocationContext): Promise<CallbackEventPage> {
    const unmarked = this.#unmarkedRuns(page);
    if (unmarked.length === 0) return page;
    for (const { correlationId } of unmarked) this.#remember(correlationId);
    try {
      const marked = await withTimeout(LOOK_TIMEOUT_MS, (signal) => this.#mark(page.thread, unmarked, context, signal));
      for (const { correlationId } of marked) this.#looks.delete(correlationId);
      if (marked.length === 0) return page;
      return { ...page, runs: new Map([...page.runs, ...marked.map((run) => [run.correlationId, run] as const)]) };
    } catch (error) {
      const { agentName, threadId } = page.thread;
      this.#options.log.warn(
        `[${agentName}] which answers are in the conversation is not known now: ${errorText(error)} (thread ${threadId})`,
      );
      return page;
    }
  }

  /**
   * One after the other, so that a run that writes to the thread waits for one of them at most.
   *
   * @returns those of the runs whose latest answer is the one in the conversation, marked
   */
  async #mark(
    thread: EventThread,
    runs: readonly RunRecord[],
    context: InvocationContext,
    signal: AbortSignal,
  ): Promise<RunRecord[]> {
    const { agentName, threadId } = thread;
    const answers = await this.#options.readAnsweredRuns(context, agentName, threadId);
    const marked: RunRecord[] = [];
    for (const run of runs) {
      const answer = answers.get(run.correlationId);
      if (answer === undefined || answerHash(answer) !== run.attempts.at(-1)?.answer) continue;
      if (signal.aborted) break;
      await this.committed({ ...thread, correlationId: run.correlationId }, answer);
      marked.push({ ...run, committed: true });
    }
    return marked;
  }

  #unmarkedRuns({ events, runs }: CallbackEventPage): RunRecord[] {
    // So it is nearly always, and a page may have many events.
    if ([...runs.values()].every(({ committed }) => committed)) return [];
    return events.flatMap((event) => {
      const run = runs.get(event.correlationId);
      return run !== undefined && this.#isToBeLookedFor(event, run) ? [run] : [];
    });
  }

  #isToBeLookedFor({ eventType, attempt, timestamp, correlationId }: StoredEvent, run: RunRecord): boolean {
    if (eventType !== 'final' || run.committed || attempt !== winningAttempt(run)) return false;
    const now = this.#now();
    const isOldEnough = now - Date.parse(timestamp) > LOOK_AFTER_MS;
    return isOldEnough && now - (this.#looks.get(correlationId) ?? -Infinity) > LOOK_AGAIN_MS;
  }

  #remember(correlationId: string): void {
    this.#looks.delete(correlationId);
    this.#looks.set(correlationId, this.#now());
    for (const oldest of this.#looks.keys()) {
      if (this.#looks.size <= MAX_REMEMBERED_LOOKS) break;
      this.#looks.delete(oldest);
    }
  }
}
