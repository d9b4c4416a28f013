import type { DurableEntityContext, EntityHandler } from 'durable-functions';
import { z } from 'zod';
import { errorText } from '../../functions/error-text.js';
import { InvocationLog, type Logger } from '../../functions/logger.js';
import { withTimeout } from '../../functions/time-limits.js';
import { isEmptyState, type WaitingRun, waitingStateOf, withWaitingState } from '../approvals/waiting-run.js';
import { ThreadStateError } from '../errors.js';
import { redactedLog } from '../redaction/run-redaction.js';
import { stateAfter, type Tombstones } from '../runs/tombstones.js';
import { createThreadState, ownedBy, ownerOf, parseThreadState, type ThreadState } from '../thread/thread-state.js';
import type { OperationOutcome } from './deliver-run.js';
import { decideOperation, dropWaitingRun, resumeOperation } from './resume-operation.js';
import { runOperation, type RunOperationOptions, threadIdOf } from './run-operation.js';

export interface AgentEntityOptions extends RunOperationOptions {
  readonly tombstones: Tombstones;
}

const NOTE_TIMEOUT_MS = 1000;

/** The input of `delete`. Without it, everything is deleted. */
const deletionSchema = z.object({
  /** Turns that started later are not deleted: ISO 8601 in UTC. */
  deletedAt: z.iso.datetime(),
});

/**
 * Creates the durable entity of an agent. There is one per thread: it runs the agent and stores the conversation.
 *
 * Operations: `run` (`run_agent` is the same) with a run request, `decide` and `resume` for runs that wait for
 * approval, `reset`, and `delete`. It never throws: the host records an operation that throws as `{}` and loses its
 * message.
 */
export function createAgentEntity(options: AgentEntityOptions): EntityHandler<unknown> {
  return async (context) => {
    const entity = context.df;
    const invocationLog = new InvocationLog(context);
    const { redaction } = options;
    const log = redaction === undefined ? invocationLog : redactedLog(invocationLog, redaction);
    try {
      const deliveries = (context.retryContext?.retryCount ?? 0) + 1;
      const { result, isGone = false } = await operate(entity, deliveries, options, log);
      if (result['error'] !== undefined) {
        // The sender of a signal never sees its result.
        log.warn(`[${options.agent.name}] refused (thread ${entity.entityId.key}): ${result['error']}`);
      }
      entity.return(result);
      // Set after the result, because returning a result creates the entity.
      if (isGone) entity.destructOnExit();
    } catch (error) {
      log.error(
        `[${options.agent.name}] operation ${entity.operationName} failed (thread ${entity.entityId.key}): ${describe(error)}`,
      );
      entity.return({ error: error instanceof ThreadStateError ? error.message : 'The operation failed.' });
    } finally {
      invocationLog.end();
    }
  };
}

async function operate(
  entity: DurableEntityContext<unknown>,
  deliveries: number,
  options: AgentEntityOptions,
  log: Logger,
): Promise<OperationOutcome> {
  switch (entity.operationName) {
    case 'run':
    case 'run_agent':
      return runOperation(entity, deliveries, options, log);
    case 'decide':
      return decideOperation(entity, options, log);
    case 'resume':
      return resumeOperation(entity, deliveries, options, log);
    case 'reset':
      return resetThread(entity, options, log);
    case 'delete':
      return deleteTurns(entity, options, log);
    default:
      return { result: { error: `Unknown operation: ${entity.operationName}` } };
  }
}

/** Clears the conversation and ends a waiting run. Deferred messages are still answered. */
async function resetThread(
  entity: DurableEntityContext<unknown>,
  options: AgentEntityOptions,
  log: Logger,
): Promise<OperationOutcome> {
  const state = parseThreadState(entity.getState());
  const { waitingRun, deferredRuns } = waitingStateOf(state);
  const owner = ownerOf(state);
  const cleared = owner === undefined ? createThreadState() : ownedBy(createThreadState(), owner);
  entity.setState(withWaitingState(cleared, { waitingRun: undefined, deferredRuns, pastApprovals: [] }));
  if (waitingRun !== undefined) await dropWaitingRun(entity, waitingRun, options, log);
  if (deferredRuns.length > 0) entity.signalEntity(entity.entityId, 'resume');
  return { result: { status: 'reset' } };
}

async function deleteTurns(
  entity: DurableEntityContext<unknown>,
  options: AgentEntityOptions,
  log: Logger,
): Promise<OperationOutcome> {
  const { agent, tombstones } = options;
  const deletedAt = deletionSchema.safeParse(entity.getInput()).data?.deletedAt;
  const dropped = waitingRunOf(entity.getState());
  const rest = deletedAt === undefined ? undefined : newerTurns(entity.getState(), deletedAt);
  if (dropped !== undefined && (rest === undefined || waitingStateOf(rest).waitingRun === undefined)) {
    await dropWaitingRun(entity, dropped, options, log);
  }
  if (rest !== undefined) entity.setState(rest);
  if (deletedAt !== undefined) {
    const thread = { agentName: agent.name, threadId: threadIdOf(entity) };
    try {
      await withTimeout(NOTE_TIMEOUT_MS, () => tombstones.noteEmptied(thread, deletedAt));
    } catch (error) {
      log.warn(
        `[${agent.name}] a deletion could not be recorded as done: ${errorText(error)} (thread ${thread.threadId})`,
      );
    }
  }
  return { result: { status: 'deleted' }, isGone: rest === undefined };
}

/** Returns the rest of a state after a deletion. Undefined if nothing is left, or if the state is unreadable. */
function newerTurns(stored: unknown, deletedAt: string): ThreadState | undefined {
  try {
    const state = stateAfter(parseThreadState(stored), deletedAt);
    return isEmptyState(state) ? undefined : state;
  } catch (error) {
    if (error instanceof ThreadStateError) return undefined;
    throw error;
  }
}

/** Returns the waiting run of a state. Undefined if there is none, or if the state is unreadable. */
function waitingRunOf(stored: unknown): WaitingRun | undefined {
  try {
    return waitingStateOf(parseThreadState(stored)).waitingRun;
  } catch (error) {
    if (error instanceof ThreadStateError) return undefined;
    throw error;
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
