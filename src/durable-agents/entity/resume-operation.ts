import type { DurableEntityContext } from 'durable-functions';
import { z } from 'zod';
import { cleanForeignText } from '../../functions/foreign-text.js';
import type { Logger } from '../../functions/logger.js';
import { type Approval, type ApprovalDecision, toApprovalUpdate } from '../approvals/approval.js';
import {
  expiredApprovals,
  openApprovals,
  stateWithDecision,
  type WaitingRun,
  waitingStateOf,
  withDecision,
  withWaitingState,
} from '../approvals/waiting-run.js';
import { CallbackNotifier } from '../callback-notifier.js';
import { AgentError } from '../errors.js';
import { failRun } from '../run-agent.js';
import { RunRedaction } from '../redaction/run-redaction.js';
import type { RunRequest } from '../run-request.js';
import { CANCELLED_END } from '../runs/run-record.js';
import { parseThreadState } from '../thread/thread-state.js';
import { deliverRun, type OperationOutcome } from './deliver-run.js';
import { deliveryOf, type RunOperationOptions, threadIdOf, withDelivery } from './run-operation.js';

/** The input of `decide`. */
const decisionSchema = z.object({
  approvalId: z.string(),
  approved: z.boolean(),
  decidedAt: z.iso.datetime(),
  decidedBy: z.string().optional(),
  reason: z.string().optional(),
  arguments: z.record(z.string(), z.unknown()).optional(),
  /** Id of the request, so that it recognizes its own decision. */
  token: z.string(),
  digest: z.string(),
});

/** The input of the operation `decide`. */
export type DecideInput = z.infer<typeof decisionSchema>;

/** The input of `resume`. */
const resumeSchema = z.object({
  /** Correlation id of a waiting run to cancel. */
  cancels: z.string().optional(),
});

/** The input of the operation `resume`. */
export type ResumeInput = z.infer<typeof resumeSchema>;

/**
 * The operation `decide`: records a decision on an approval. The first decision wins. The run continues in a separate
 * operation, so that the decision is committed at once.
 */
export async function decideOperation(
  entity: DurableEntityContext<unknown>,
  options: RunOperationOptions,
  log: Logger,
): Promise<OperationOutcome> {
  const { data: input } = decisionSchema.safeParse(entity.getInput());
  if (input === undefined) return { result: { error: 'Invalid decision.' } };
  const state = parseThreadState(entity.getState());
  const { waitingRun } = waitingStateOf(state);
  const approval = waitingRun?.approvals.find(({ approvalId }) => approvalId === input.approvalId);
  if (waitingRun === undefined || approval === undefined) return { result: { status: 'unknown' } };
  if (approval.decision !== undefined) return { result: { status: approval.decision.state } };
  if (Date.parse(approval.expiresAt) <= Date.now()) {
    entity.signalEntity(entity.entityId, 'resume');
    return { result: { status: 'expired' } };
  }
  const { approved, approvalId: _, ...decided } = input;
  const decision: ApprovalDecision = { ...decided, state: approved ? 'approved' : 'rejected' };
  const decidedState = stateWithDecision(state, approval, decision, options.maxStateBytes);
  if (decidedState === undefined) return { result: { error: 'The decision exceeds AGENT_MAX_STATE_BYTES.' } };
  const run = withDecision(waitingRun, [approval], decision);
  entity.setState(decidedState.state);
  await deliveryOf(threadIdOf(entity), run.request, options, log).noteDropped(decidedState.droppedTurns);
  await tellDecision(entity, run, [approval], options, log);
  if (openApprovals(run).length === 0) entity.signalEntity(entity.entityId, 'resume');
  return { result: { status: decision.state } };
}

/**
 * The operation `resume`: continues the thread's waiting run if all approvals are decided or expired, or ends it if it
 * is cancelled. Otherwise starts the oldest deferred run. Safe to repeat.
 */
export async function resumeOperation(
  entity: DurableEntityContext<unknown>,
  deliveries: number,
  options: RunOperationOptions,
  log: Logger,
): Promise<OperationOutcome> {
  const state = parseThreadState(entity.getState());
  const { waitingRun, deferredRuns } = waitingStateOf(state);
  const outcome =
    waitingRun !== undefined
      ? await goOn(entity, deliveries, waitingRun, deferredRuns, options, log)
      : await startDeferred(entity, deliveries, deferredRuns, options, log);
  const left = waitingStateOf(parseThreadState(entity.getState()));
  if (left.waitingRun === undefined && left.deferredRuns.length > 0) entity.signalEntity(entity.entityId, 'resume');
  return outcome;
}

async function goOn(
  entity: DurableEntityContext<unknown>,
  deliveries: number,
  waitingRun: WaitingRun,
  deferredRuns: readonly RunRequest[],
  options: RunOperationOptions,
  log: Logger,
): Promise<OperationOutcome> {
  const { request } = waitingRun;
  return withDelivery(entity, request, options, log, async (delivery, threadId) => {
    const now = new Date();
    let run = waitingRun;
    const settle = async (approvals: readonly Approval[], decision: ApprovalDecision): Promise<void> => {
      if (approvals.length === 0) return;
      run = withDecision(run, approvals, decision);
      await tellDecision(entity, run, approvals, options, log);
    };
    await settle(expiredApprovals(run, now), { state: 'expired', decidedAt: now.toISOString() });
    const cancels = resumeSchema.safeParse(entity.getInput() ?? {}).data?.cancels;
    const isCancelled =
      cancels === request.correlationId ||
      deferredRuns.some(({ interrupts }) => interrupts === true) ||
      (await delivery.isCancelRequested());
    if (isCancelled) {
      const reason = 'The run was cancelled.';
      await settle(openApprovals(run), { state: 'rejected', decidedAt: now.toISOString(), reason });
    }
    const state = parseThreadState(entity.getState());
    const changed = run === waitingRun ? state : withWaitingState(state, { ...waitingStateOf(state), waitingRun: run });
    if (openApprovals(run).length > 0) {
      if (changed !== state) entity.setState(changed);
      await delivery.noteWaiting(run);
      return { result: { status: 'waiting_for_approval', correlation_id: request.correlationId } };
    }
    const failure = isCancelled ? new AgentError(CANCELLED_END.errorCode, CANCELLED_END.error) : undefined;
    const delivered = { request, threadId, state: changed, deliveries, delivery, waitingRun: run, failure, log };
    return deliverRun(entity, delivered, options);
  });
}

async function startDeferred(
  entity: DurableEntityContext<unknown>,
  deliveries: number,
  [request, ...deferredRuns]: readonly RunRequest[],
  options: RunOperationOptions,
  log: Logger,
): Promise<OperationOutcome> {
  if (request === undefined) {
    const threadId = threadIdOf(entity);
    // The thread was deleted while it waited.
    await options.waitingThreads.note({ agentName: options.agent.name, threadId }, undefined);
    return { result: { status: 'idle' }, isGone: entity.isNewlyConstructed };
  }
  const stored = parseThreadState(entity.getState());
  const state = withWaitingState(stored, { ...waitingStateOf(stored), deferredRuns });
  entity.setState(state);
  return withDelivery(entity, request, options, log, (delivery, threadId) =>
    deliverRun(entity, { request, threadId, state, deliveries, delivery, log }, options),
  );
}

/** Ends, as cancelled, a waiting run that is no longer in the thread's state. */
export async function dropWaitingRun(
  entity: DurableEntityContext<unknown>,
  { request }: WaitingRun,
  options: RunOperationOptions,
  log: Logger,
): Promise<void> {
  await withDelivery(entity, request, options, log, async (delivery, threadId) => {
    const { runTimeoutMs: timeoutMs } = options;
    const failure = new AgentError(CANCELLED_END.errorCode, CANCELLED_END.error);
    await failRun({ ...options, threadId, request, history: [], timeoutMs, isResumed: true, log }, failure);
    await delivery.end(CANCELLED_END);
    await delivery.noteWaiting(undefined);
    return { result: {} };
  });
}

/** Passes decisions to the callback, as part of the waiting attempt. */
async function tellDecision(
  entity: DurableEntityContext<unknown>,
  { request, approvals }: WaitingRun,
  decided: readonly Approval[],
  { agent, callback, redaction, runTimeoutMs: timeoutMs }: RunOperationOptions,
  log: Logger,
): Promise<void> {
  const threadId = threadIdOf(entity);
  const notifier = new CallbackNotifier({
    callback,
    agentName: agent.name,
    threadId,
    request,
    attempt: 1,
    isResumed: true,
    log,
    redaction: redaction && new RunRedaction(redaction),
    timeoutMs,
  });
  const ids = new Set(decided.map(({ approvalId }) => approvalId));
  for (const approval of approvals) {
    if (!ids.has(approval.approvalId)) continue;
    await notifier.update(toApprovalUpdate(approval));
    const { toolName, decision } = approval;
    log.info(
      `[${agent.name}][${request.correlationId}] call ${cleanForeignText(approval.callId, 60)} of ${toolName}: ${decision?.state} (thread ${threadId})`,
    );
  }
  await notifier.suspended();
}
