import type { AgentClient } from './agent-client.js';
import { withTimeout } from '../../functions/time-limits.js';
import { errorText } from '../../functions/error-text.js';
import { HttpError } from '../../functions/http-error.js';
import { ThreadStateError } from '../errors.js';
import type { Logger } from '../../functions/logger.js';
import type { RunOutcome } from './run-outcome.js';
import type { RunRecords } from '../run-records.js';
import type { RunRequest } from '../run-request.js';

const ACCEPT_TIMEOUT_MS = 2000;

export interface ExistingRunOptions {
  readonly client: AgentClient;
  readonly runRecords: RunRecords | undefined;
  readonly agentName: string;
  readonly threadId: string;
  readonly run: RunRequest;
  readonly log: Logger;
}

/**
 * Looks for the run that an earlier request with the same idempotency key has made, and notes this one if there was
 * none. What fails here is logged and passed over: the entity does not repeat a run, whether it was found here or not.
 *
 * @returns how it ended; `undefined` when it has not, or was not found: it is then to be sent as any other run
 * @throws HttpError 409 when it was made with another message
 */
export async function findExistingRun(options: ExistingRunOptions): Promise<RunOutcome | undefined> {
  const { run } = options;
  const outcome = await readOutcome(options);
  if (outcome !== undefined) {
    assertSameMessage(run, outcome.requestMessage);
    return outcome;
  }
  assertSameMessage(run, await acceptedMessage(options));
  return undefined;
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

async function readOutcome({
  client,
  agentName,
  threadId,
  run,
  log,
}: ExistingRunOptions): Promise<RunOutcome | undefined> {
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

async function acceptedMessage({
  runRecords,
  agentName,
  threadId,
  run,
  log,
}: ExistingRunOptions): Promise<string | undefined> {
  if (runRecords === undefined) return undefined;
  const { correlationId, message: requestMessage, createdAt: requestedAt } = run;
  const accepted = { agentName, threadId, correlationId, requestMessage, requestedAt };
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
