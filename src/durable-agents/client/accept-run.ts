import type { DurableClient } from 'durable-functions';
import { errorText } from '../../functions/error-text.js';
import { HttpError } from '../../functions/http-error.js';
import type { Logger } from '../../functions/logger.js';
import { TimeoutError, withTimeout } from '../../functions/time-limits.js';
import { UnavailableError } from '../../functions/unavailable-error.js';
import { ThreadStateError } from '../errors.js';
import { expiredApprovals } from '../approvals/waiting-run.js';
import { readApprovals, signalResume } from './decide-approval.js';
import { readRun } from './read-run.js';
import type { RunRequest } from '../run-request.js';
import { isEnded, type NewRun } from '../runs/run-record.js';
import type { AcceptedRun, RunRecords } from '../runs/run-records.js';
import type { AgentClient, StartedRun } from './agent-client.js';
import { recordedOutcome, type RunOutcome } from './run-outcome.js';

const ACCEPT_TIMEOUT_MS = 1000;
const STRATEGY_TIMEOUT_MS = 5000;

/**
 * What to do with a message while another run of its thread has not ended: wait for it, refuse the message, or cancel
 * that run. The names come from LangGraph.
 */
export const MULTITASK_STRATEGIES = ['enqueue', 'reject', 'interrupt'] as const;

export type MultitaskStrategy = (typeof MULTITASK_STRATEGIES)[number];

/** A run was refused because another run of its thread has not ended. */
export class ThreadBusyError extends HttpError {
  /** Correlation id of the other run. */
  readonly correlationId: string;

  constructor(correlationId: string) {
    super(409, 'The thread is busy with another run.');
    this.name = 'ThreadBusyError';
    this.correlationId = correlationId;
  }
}

export interface AcceptRunOptions {
  readonly client: AgentClient;
  readonly runRecords: RunRecords;
  readonly agentName: string;
  readonly threadId: string;
  readonly run: RunRequest;
  /** Whether the request has an idempotency key, so that others may ask for the same run. */
  readonly isKeyed: boolean;
  readonly strategy: MultitaskStrategy;
  readonly durableClient: DurableClient;
  readonly log: Logger;
}

/** An accepted request, whose run can now be sent to its entity. */
export interface AcceptedRequest {
  /**
   * How the run ended, or its open approvals, if an earlier request started it and that is known. If set, do not start
   * the run.
   */
  readonly outcome: RunOutcome | undefined;
  /** Signals the entity to start the run. */
  start(): Promise<StartedRun>;
  /** Removes the record of a run that could not be started. If it runs after all, its entity creates a record. */
  withdraw(): Promise<void>;
}

/**
 * Writes the record of a run before its entity gets it. If the store does not accept the record within a second, the
 * run continues without one: the entity never repeats a run, with or without a record.
 *
 * @throws HttpError 409 if an earlier request started the run with another message
 * @throws ThreadBusyError
 * @throws UnavailableError if a strategy other than `enqueue` needs the store and the store is unreachable
 */
export async function acceptRun(options: AcceptRunOptions): Promise<AcceptedRequest> {
  const { client, isKeyed, agentName, threadId, run } = options;
  let outcome = isKeyed ? await readOutcome(options) : undefined;
  if (outcome !== undefined) assertSameMessage(run, outcome.requestMessage);
  const accepted = outcome === undefined ? await writeRecord(options) : undefined;
  if (accepted?.status === 'known') {
    assertSameMessage(run, accepted.record.message);
    outcome = recordedOutcome(accepted.record);
  }
  // All requests with one key agree on when their run was accepted.
  const sent = accepted?.status === 'known' ? { ...run, createdAt: accepted.record.createdAt } : run;
  let isStarted = false;
  return {
    outcome,
    start: async () => {
      const started = await client.start(sent);
      isStarted = true;
      return started;
    },
    withdraw: async () => {
      if (!isStarted && accepted?.status === 'accepted') await withdraw({ ...run, agentName, threadId }, options);
    },
  };
}

async function withdraw(run: NewRun, { runRecords, log }: AcceptRunOptions): Promise<void> {
  try {
    await withTimeout(ACCEPT_TIMEOUT_MS, () => runRecords.remove(run));
  } catch (error) {
    const { agentName, correlationId, threadId } = run;
    const failure = errorText(error);
    log.warn(`[${agentName}][${correlationId}] its record could not be removed: ${failure} (thread ${threadId})`);
  }
}

/**
 * @param message - the message of the existing run, if known
 * @throws HttpError 409 if it differs from the message of the request
 */
export function assertSameMessage(run: RunRequest, message: string | undefined): void {
  // Half a surrogate pair changes on the way to the entity and back.
  if (message === undefined || message.toWellFormed() === run.message.toWellFormed()) return;
  throw new HttpError(409, 'The Idempotency-Key was used before, with another message.');
}

async function readOutcome({
  client,
  agentName,
  threadId,
  run,
  log,
}: AcceptRunOptions): Promise<RunOutcome | undefined> {
  try {
    return await client.readOutcome(run.correlationId);
  } catch (error) {
    // The entity refuses such a thread, and reports it to all readers of the run.
    if (!(error instanceof ThreadStateError)) {
      log.warn(`${where(agentName, run)} thread ${threadId} could not be read before the run: ${errorText(error)}`);
    }
    return undefined;
  }
}

async function writeRecord(options: AcceptRunOptions): Promise<AcceptedRun | undefined> {
  const { runRecords, agentName, threadId, run, strategy, log } = options;
  const newRun: NewRun = { ...run, agentName, threadId };
  if (strategy !== 'enqueue') return applyStrategy(newRun, options);
  try {
    return await withTimeout(ACCEPT_TIMEOUT_MS, () => runRecords.accept(newRun));
  } catch (error) {
    const failure = errorText(error);
    log.warn(`${where(agentName, run)} the run could not be recorded as accepted: ${failure} (thread ${threadId})`);
    return undefined;
  }
}

async function applyStrategy(newRun: NewRun, options: AcceptRunOptions): Promise<AcceptedRun> {
  try {
    return await withTimeout(STRATEGY_TIMEOUT_MS, () =>
      options.strategy === 'reject' ? acceptIfIdle(newRun, options) : interrupt(newRun, options),
    );
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    const message = 'The app cannot read whether the thread is busy. Try again in a moment.';
    throw new UnavailableError(message, { cause: error });
  }
}

async function acceptIfIdle(newRun: NewRun, options: AcceptRunOptions): Promise<AcceptedRun> {
  // Its record may have been lost with the memory of a process.
  const waiting = (await readApprovals(newRun, options.durableClient).catch(ignoreUnreadable))?.waitingRun;
  if (waiting !== undefined && waiting.request.correlationId !== newRun.correlationId) {
    if (expiredApprovals(waiting, new Date()).length > 0) await signalResume(newRun, options.durableClient);
    throw new ThreadBusyError(waiting.request.correlationId);
  }
  const accepted = await options.runRecords.acceptIfIdle(newRun);
  if (accepted.status !== 'busy') return accepted;
  // The end of that run may be missing in its record. Reading the run corrects the record.
  const other = await readRun({ ...newRun, correlationId: accepted.record.correlationId }, options);
  const again = other !== undefined && isEnded(other) ? await options.runRecords.acceptIfIdle(newRun) : accepted;
  if (again.status === 'busy') throw new ThreadBusyError(again.record.correlationId);
  return again;
}

/** Ignores an unreadable state, because the entity reports it to all readers of the run. */
function ignoreUnreadable(error: unknown): undefined {
  if (!(error instanceof ThreadStateError)) throw error;
}

async function interrupt(newRun: NewRun, options: AcceptRunOptions): Promise<AcceptedRun> {
  const { runRecords } = options;
  const accepted = await runRecords.accept(newRun, { interrupts: true });
  if (accepted.status !== 'accepted') return accepted;
  try {
    await runRecords.interrupt(newRun, accepted.record);
    return accepted;
  } catch (error) {
    await withdraw(newRun, options);
    throw error;
  }
}

function where(agentName: string, { correlationId }: RunRequest): string {
  return `[${agentName}][${correlationId}]`;
}
