import type { DurableClient } from 'durable-functions';
import { errorText } from '../../functions/error-text.js';
import type { Logger } from '../../functions/logger.js';
import { UnavailableError } from '../../functions/unavailable-error.js';
import { ThreadStateError } from '../errors.js';
import type { RunIdentity } from '../run-event-source.js';
import { CANCELLED_END, isEnded, type RunRecord, usageOf } from '../runs/run-record.js';
import type { RunRecords } from '../runs/run-records.js';
import { readThread } from '../thread/thread-entity.js';
import { findResponse, joinedText, type ThreadEntry, type ThreadState } from '../thread/thread-state.js';
import type { Approval } from '../approvals/approval.js';
import { decidableApprovals, hasExpiredApprovals, waitingStateOf } from '../approvals/waiting-run.js';
import { signalResume } from './decide-approval.js';
import { findOutcome } from './run-outcome.js';

export interface ReadRunOptions {
  readonly durableClient: DurableClient;
  readonly runRecords: RunRecords;
  readonly log: Logger;
}

/** A run, as its record or the conversation shows it. */
export type KnownRun = RunRecord & {
  /** Its open approvals. Undefined if it does not wait. */
  readonly approvals?: readonly Approval[];
};

/**
 * Reads a run: its record, or the conversation if the record is missing or open. Corrects a record that the
 * conversation proves wrong.
 *
 * @returns undefined if the run is unknown
 * @throws UnavailableError if the store is unreachable and the conversation does not have the run
 * @throws ThreadStateError if there is no record and the conversation cannot be read
 */
export async function readRun(
  run: RunIdentity,
  { durableClient, runRecords, log }: ReadRunOptions,
): Promise<KnownRun | undefined> {
  const found = await runRecords.find(run).catch((error: unknown) => {
    if (error instanceof UnavailableError) return error;
    throw error;
  });
  const record = found instanceof UnavailableError ? undefined : found;
  if (record !== undefined && isEnded(record)) return record;
  const state = await readState(run, record, durableClient);
  const ended = state && endedRunOf(state.data.conversationHistory, run.correlationId, record);
  if (ended !== undefined && record !== undefined) {
    const corrected = await runRecords.correct(run, ended).catch((error: unknown) => {
      log.warn(`[${run.agentName}][${run.correlationId}] its record could not be corrected: ${errorText(error)}`);
    });
    return corrected ?? ended;
  }
  const open = state && openRunOf(state, run.correlationId, record);
  if (ended === undefined && open === undefined && found instanceof UnavailableError) throw found;
  if (state !== undefined && hasExpiredApprovals(state, run.correlationId)) await signalResume(run, durableClient);
  return ended ?? open ?? (record && withoutWait(record));
}

/** Returns a run whose record says that it waits as running, because the state with its approvals is not committed. */
function withoutWait(record: RunRecord): RunRecord {
  return record.status === 'waiting_for_approval' ? { ...record, status: 'running' } : record;
}

async function readState(
  { agentName, threadId }: RunIdentity,
  record: RunRecord | undefined,
  durableClient: DurableClient,
): Promise<ThreadState | undefined> {
  try {
    return await readThread(durableClient, agentName, threadId);
  } catch (error) {
    if (error instanceof ThreadStateError && record !== undefined) return undefined;
    throw error;
  }
}

/**
 * Returns a run that waits, or that was deferred, from the thread's state. Its record may have been lost with the memory
 * of a process.
 */
function openRunOf(state: ThreadState, correlationId: string, record?: RunRecord): KnownRun | undefined {
  const { waitingRun, deferredRuns } = waitingStateOf(state);
  const request = [...(waitingRun ? [waitingRun.request] : []), ...deferredRuns].find(
    (one) => one.correlationId === correlationId,
  );
  if (request === undefined) return undefined;
  const { message, createdAt } = request;
  const known = record ?? {
    correlationId,
    message,
    createdAt,
    order: orderOf(createdAt),
    status: 'queued',
    attempt: 0,
  };
  if (waitingRun?.request !== request) return known;
  const started = { ...known, attempt: Math.max(1, known.attempt) };
  const approvals = decidableApprovals(waitingRun, new Date());
  return approvals.length > 0
    ? { ...started, status: 'waiting_for_approval', approvals }
    : { ...started, status: 'running' };
}

/**
 * Returns a run from the conversation. Undefined if it has not ended there.
 *
 * @param record - the run's record, if known
 */
export function endedRunOf(
  history: readonly ThreadEntry[],
  correlationId: string,
  record?: RunRecord,
): RunRecord | undefined {
  const response = findResponse(history, correlationId);
  const outcome = findOutcome(history, correlationId);
  if (response === undefined || outcome === undefined) return undefined;
  const request = history.find((entry) => entry.$type === 'request' && entry.correlationId === correlationId);
  const endedAt = response.createdAt;
  const known = record ?? {
    correlationId,
    message: joinedText(request?.messages),
    createdAt: request?.createdAt ?? endedAt ?? '',
    order: orderOf(request?.createdAt),
    attempt: 1,
  };
  if (outcome.status === 'success') {
    const { response: text, messageCount } = outcome;
    return { ...known, status: 'completed', endedAt, response: text, messageCount, usage: usageOf(response) };
  }
  const { error, errorCode, retryAfterSeconds } = outcome;
  const status = errorCode === CANCELLED_END.errorCode ? 'cancelled' : 'failed';
  return { ...known, status, endedAt, error, errorCode, retryAfterSeconds };
}

/** Returns the position of a run without a record among the runs of its thread. */
function orderOf(createdAt: string | undefined): string {
  return `${String(Date.parse(createdAt ?? '') || 0).padStart(13, '0')}00000`;
}
