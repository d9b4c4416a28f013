import type { DurableEntityContext } from 'durable-functions';
import type { Logger } from '../../functions/logger.js';
import { hasExpiredApprovals, waitingStateOf, withWaitingState } from '../approvals/waiting-run.js';
import type { WaitingThreads } from '../approvals/waiting-threads.js';
import { AgentError, ThreadStateError } from '../errors.js';
import { failRun } from '../run-agent.js';
import type { RunCompletionNotifier } from '../run-completion-notifier.js';
import { type RunRequest, runRequestSchema } from '../run-request.js';
import type { RunRecords } from '../runs/run-records.js';
import { boundOpenState, type BoundedThreadState } from '../thread/bound-thread-state.js';
import { fromEntityKey } from '../thread/thread-id.js';
import { findResponse, parseThreadState, type ThreadState } from '../thread/thread-state.js';
import type { MemoryLimits } from '../threads/memory-limits.js';
import type { ThreadIndex } from '../threads/thread-index.js';
import { deliverRun, type DeliverRunOptions, endOf, type OperationOutcome } from './deliver-run.js';
import { RunDelivery } from './run-delivery.js';

/** Maximum number of messages in a thread that wait for a run that waits for approval. */
const MAX_DEFERRED_RUNS = 20;

export interface RunOperationOptions extends DeliverRunOptions {
  readonly completions: RunCompletionNotifier;
  readonly runRecords: RunRecords;
  readonly threadIndex: ThreadIndex;
  readonly waitingThreads: WaitingThreads;
  /** Limits the memory of this process. Undefined: the store is not in memory. */
  readonly memoryLimits?: MemoryLimits | undefined;
}

/**
 * The operation `run`: runs the agent and adds the turn to the thread. While another run waits for approval, the
 * request is deferred.
 *
 * @param deliveries - number of deliveries of the operation, as reported by the host
 */
export async function runOperation(
  entity: DurableEntityContext<unknown>,
  deliveries: number,
  options: RunOperationOptions,
  log: Logger,
): Promise<OperationOutcome> {
  const parsed = runRequestSchema.safeParse(entity.getInput());
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'input'}: ${issue.message}`);
    return { result: { error: `Invalid run request: ${problems.join('; ')}` } };
  }
  const request = parsed.data;
  return withDelivery(entity, request, options, log, async (delivery, threadId) => {
    const run = { request, threadId, deliveries, delivery, log };
    let state;
    let failure;
    try {
      state = parseThreadState(entity.getState());
      const deferred = deferRun(state, request, options);
      if (deferred?.status === 'deferred') {
        if (deferred.state !== state) entity.setState(deferred.state);
        await delivery.noteDropped(deferred.droppedTurns);
        if (request.interrupts === true || hasExpiredApprovals(state)) entity.signalEntity(entity.entityId, 'resume');
        return { result: { status: 'queued', correlation_id: request.correlationId } };
      }
      if (deferred?.status === 'waiting') {
        return { result: { status: 'waiting_for_approval', correlation_id: request.correlationId } };
      }
      failure = deferred?.failure;
    } catch (error) {
      if (!(error instanceof ThreadStateError)) throw error;
      // Readers stop waiting once the callback has recorded the failure.
      const about = { ...options, ...run, history: [], timeoutMs: options.runTimeoutMs, attempt: deliveries };
      const failed = await failRun(about, new AgentError(error.code, error.message, { cause: error }));
      await delivery.end(endOf(failed, request, 0));
      throw error;
    }
    return deliverRun(entity, { ...run, state, failure }, options);
  });
}

/** Calls `operate` with a delivery of the run. Then wakes the callers that wait for the run. */
export async function withDelivery(
  entity: DurableEntityContext<unknown>,
  request: RunRequest,
  options: RunOperationOptions,
  log: Logger,
  operate: (delivery: RunDelivery, threadId: string) => Promise<OperationOutcome>,
): Promise<OperationOutcome> {
  const threadId = threadIdOf(entity);
  const delivery = deliveryOf(threadId, request, options, log);
  options.completions.begin(request.correlationId);
  let outcome: OperationOutcome | undefined;
  try {
    outcome = await operate(delivery, threadId);
    return outcome;
  } catch (error) {
    // Corrects the end in the record, because the state was not changed.
    await delivery.end({ status: 'failed', errorCode: 'agent_error', error: 'The operation failed.' });
    throw error;
  } finally {
    delivery.close();
    await options.memoryLimits?.enforce(options.agent.name);
    if (outcome?.result['status'] === 'queued') options.completions.defer(request.correlationId);
    else options.completions.announce(request.correlationId);
  }
}

export function threadIdOf({ entityId }: DurableEntityContext<unknown>): string {
  return fromEntityKey(entityId.key) ?? entityId.key;
}

export function deliveryOf(
  threadId: string,
  request: RunRequest,
  options: RunOperationOptions,
  log: Logger,
): RunDelivery {
  return new RunDelivery({
    ...options,
    run: { ...request, agentName: options.agent.name, threadId },
    shownMessage: options.redaction?.text(request.message) ?? request.message,
    owner: request.ownerId,
    log,
  });
}

type Deferral =
  | ({ readonly status: 'deferred' } & Pick<BoundedThreadState, 'state' | 'droppedTurns'>)
  /** The request belongs to the waiting run. */
  | { readonly status: 'waiting'; readonly failure?: undefined }
  | { readonly status: 'refused'; readonly failure: AgentError };

/** Defers a request while another run of the thread waits. @returns undefined if it may run now */
function deferRun(
  state: ThreadState,
  request: RunRequest,
  { maxStateBytes }: RunOperationOptions,
): Deferral | undefined {
  const { correlationId } = request;
  if (findResponse(state.data.conversationHistory, correlationId) !== undefined) return undefined;
  const waiting = waitingStateOf(state);
  const { waitingRun, deferredRuns } = waiting;
  if (waitingRun?.request.correlationId === correlationId) return { status: 'waiting' };
  if (waitingRun === undefined && deferredRuns.length === 0) return undefined;
  if (deferredRuns.some((deferred) => deferred.correlationId === correlationId)) {
    return { status: 'deferred', state, droppedTurns: [] };
  }
  if (deferredRuns.length >= MAX_DEFERRED_RUNS) {
    const message = `${MAX_DEFERRED_RUNS} messages wait for a run that waits for approval, which is the limit.`;
    return { status: 'refused', failure: new AgentError('too_many_deferred_runs', message) };
  }
  const kept = withWaitingState(state, { ...waiting, deferredRuns: [...deferredRuns, request] });
  const bounded = boundOpenState(kept, maxStateBytes, new Date());
  if (bounded !== undefined) return { status: 'deferred', ...bounded };
  const message = 'The message cannot wait for a run that waits for approval: it would exceed AGENT_MAX_STATE_BYTES.';
  return { status: 'refused', failure: new AgentError('too_many_deferred_runs', message) };
}
