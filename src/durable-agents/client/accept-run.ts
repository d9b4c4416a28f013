import { errorText } from '../../functions/error-text.js';
import { HttpError } from '../../functions/http-error.js';
import type { Logger } from '../../functions/logger.js';
import { withTimeout } from '../../functions/time-limits.js';
import { ThreadStateError } from '../errors.js';
import type { RunRequest } from '../run-request.js';
import { isEnded, type NewRun, type RunRecord } from '../runs/run-record.js';
import type { AcceptedRun, RunRecords } from '../runs/run-records.js';
import type { AgentClient, StartedRun } from './agent-client.js';
import type { RunOutcome } from './run-outcome.js';

const ACCEPT_TIMEOUT_MS = 1000;

export interface AcceptRunOptions {
  readonly client: AgentClient;
  readonly runRecords: RunRecords;
  readonly agentName: string;
  readonly threadId: string;
  readonly run: RunRequest;
  /** Whether other requests may ask for the same run. */
  readonly isKeyed: boolean;
  readonly log: Logger;
}

/** A run whose record was written, on its way to its entity. */
export interface AcceptedRequest {
  /** How the run ended, if an earlier request has made it. It is not to be started then. */
  readonly outcome: RunOutcome | undefined;
  /** Hands the run to its entity. */
  start(): Promise<StartedRun>;
  /** Forgets a run that could not be started. If it runs nevertheless, its entity makes a record. */
  withdraw(): Promise<void>;
}

/**
 * Writes the record of a run, before it is handed to its entity. If the store does not take it within a second, the run
 * goes on without: the entity does not repeat a run, whether there is a record or not.
 *
 * @throws HttpError 409 if an earlier request has made the run with another message
 */
export async function acceptRun(options: AcceptRunOptions): Promise<AcceptedRequest> {
  const { client, runRecords, isKeyed, agentName, threadId, run, log } = options;
  let outcome = isKeyed ? await readOutcome(options) : undefined;
  if (outcome !== undefined) assertSameMessage(run, outcome.requestMessage);
  const accepted = outcome === undefined ? await writeRecord(options) : undefined;
  if (accepted?.status === 'known') {
    assertSameMessage(run, accepted.record.message);
    outcome = outcomeOf(accepted.record);
  }
  let isStarted = false;
  return {
    outcome,
    start: async () => {
      const started = await client.start(run);
      isStarted = true;
      return started;
    },
    withdraw: async () => {
      if (isStarted || accepted?.status !== 'accepted') return;
      try {
        await withTimeout(ACCEPT_TIMEOUT_MS, () => runRecords.remove({ ...run, agentName, threadId }));
      } catch (error) {
        log.warn(`${where(agentName, run)} its record could not be removed: ${errorText(error)} (thread ${threadId})`);
      }
    },
  };
}

/**
 * @param message that the run was made with, as far as it is known
 * @throws HttpError 409 when it is not that of the request
 */
export function assertSameMessage(run: RunRequest, message: string | undefined): void {
  // Half a surrogate pair does not survive the way to the entity and back.
  if (message === undefined || message.toWellFormed() === run.message.toWellFormed()) return;
  throw new HttpError(409, 'The Idempotency-Key was used before, with another message.');
}

/** How a run ended whose turn the conversation does not have any more, or not yet. */
function outcomeOf(record: RunRecord): RunOutcome | undefined {
  if (!isEnded(record)) return undefined;
  const { message: requestMessage, response = '', messageCount = 0, error = '', errorCode = '' } = record;
  return record.status === 'completed'
    ? { requestMessage, status: 'success', response, messageCount }
    : { requestMessage, status: 'error', error, errorCode };
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
    // The entity refuses such a thread, in the sight of everybody who follows the run.
    if (!(error instanceof ThreadStateError)) {
      log.warn(`${where(agentName, run)} thread ${threadId} could not be read before the run: ${errorText(error)}`);
    }
    return undefined;
  }
}

async function writeRecord({
  runRecords,
  agentName,
  threadId,
  run,
  log,
}: AcceptRunOptions): Promise<AcceptedRun | undefined> {
  const accepted: NewRun = { ...run, agentName, threadId };
  try {
    return await withTimeout(ACCEPT_TIMEOUT_MS, () => runRecords.accept(accepted));
  } catch (error) {
    const failure = errorText(error);
    log.warn(`${where(agentName, run)} the run could not be noted as accepted: ${failure} (thread ${threadId})`);
    return undefined;
  }
}

function where(agentName: string, { correlationId }: RunRequest): string {
  return `[${agentName}][${correlationId}]`;
}
