import type { DurableEntityContext } from 'durable-functions';
import type { Logger } from '../../functions/logger.js';
import type { KeyValueStore } from '../../storage/key-value-store.js';
import type { Agent } from '../agent.js';
import type { AgentResponseCallback } from '../agent-response-callback.js';
import { RunApprovals } from '../approvals/run-approvals.js';
import { type WaitingRun, waitingStateOf, withoutWaitingRun, withWaitingState } from '../approvals/waiting-run.js';
import { findOutcome } from '../client/run-outcome.js';
import { AgentError } from '../errors.js';
import type { ModelPrices } from '../model-price.js';
import type { Redaction } from '../redaction/redaction.js';
import { failRun, runAgent, type RunResult } from '../run-agent.js';
import type { RunRequest } from '../run-request.js';
import { CANCELLED_END, FOREIGN_THREAD_END, type RunEnd, usageOf } from '../runs/run-record.js';
import { stateAfter } from '../runs/tombstones.js';
import type { RunTracer } from '../run-tracer.js';
import { boundOpenState, boundThreadState, type BoundedThreadState } from '../thread/bound-thread-state.js';
import type { HistoryLimits } from '../thread/history-window.js';
import { fromEntityKey, THREAD_ID_RULE } from '../thread/thread-id.js';
import {
  findResponse,
  ownedBy,
  ownerOf,
  responseError,
  type ThreadEntry,
  type ThreadState,
} from '../thread/thread-state.js';
import { RunSteps } from '../tools/run-steps.js';
import type { RunDelivery } from './run-delivery.js';

export interface DeliverRunOptions {
  readonly agent: Agent;
  readonly callback: AgentResponseCallback | undefined;
  readonly runTimeoutMs: number;
  /** A run with more deliveries fails without asking the agent. */
  readonly maxAttempts: number;
  readonly historyLimits?: HistoryLimits | undefined;
  /** Maximum size of a thread's state, in bytes of JSON. */
  readonly maxStateBytes: number;
  /** Stores the finished steps of runs. Undefined: a run starts over after a crash. */
  readonly stepStore?: KeyValueStore | undefined;
  /** How long a tool call waits for approval. */
  readonly approvalTimeoutMs: number;
  /** Records spans of the runs. Optional. */
  readonly tracer?: RunTracer | undefined;
  /** Redacts what callbacks, spans, the log and the list of threads get. Optional. */
  readonly redaction?: Redaction | undefined;
  /** Whether to redact the stored conversation and the caller's answer, too. @default false */
  readonly redactAnswers?: boolean | undefined;
  readonly prices?: ModelPrices | undefined;
}

/** One delivery of a run to its thread's entity. */
export interface DeliveredRun {
  readonly request: RunRequest;
  readonly threadId: string;
  readonly state: ThreadState;
  /** Number of deliveries of the operation, as reported by the host. */
  readonly deliveries: number;
  readonly delivery: RunDelivery;
  /** Set for a run that continues after a wait. */
  readonly waitingRun?: WaitingRun | undefined;
  /** Makes the run fail with this error instead of continuing. Optional. */
  readonly failure?: AgentError | undefined;
  readonly log: Logger;
}

/** The outcome of an operation on an entity. */
export interface OperationOutcome {
  /** Keep it small, because a large result can make the host roll back the state. Errors are results, too. */
  readonly result: Readonly<Record<string, string | number>>;
  /** Whether the entity deletes itself. @default false */
  readonly isGone?: boolean;
}

/** Runs the agent, or continues a run, and sets the thread's state to the result. */
export async function deliverRun(
  entity: DurableEntityContext<unknown>,
  run: DeliveredRun,
  options: DeliverRunOptions,
): Promise<OperationOutcome> {
  const { agent } = options;
  const { request, threadId, delivery, waitingRun, log } = run;
  const { correlationId } = request;
  const isAnswered = findResponse(run.state.data.conversationHistory, correlationId) !== undefined;
  const begun = isAnswered ? undefined : await delivery.begin(run.deliveries, waitingRun !== undefined);
  if (begun?.status === 'refused') {
    log.info(`[${agent.name}][${correlationId}] not run: its thread was deleted (thread ${threadId})`);
    return { result: { status: 'deleted', correlation_id: correlationId }, isGone: entity.isNewlyConstructed };
  }
  if (begun?.status === 'ended') {
    log.info(`[${agent.name}][${correlationId}] already ended; not run again (thread ${threadId})`);
    return { result: { status: begun.record.status, correlation_id: correlationId } };
  }
  const rest = begun?.deletedAt === undefined ? run.state : stateAfter(run.state, begun.deletedAt);
  const owner = ownerOf(rest) ?? request.ownerId;
  if (owner !== undefined && request.ownerId !== undefined && owner !== request.ownerId) {
    await delivery.end(FOREIGN_THREAD_END);
    return { result: { error: FOREIGN_THREAD_END.error } };
  }
  const begunRun = { ...run, state: owner === undefined ? rest : ownedBy(rest, owner) };
  const history = rest.data.conversationHistory;
  const attempt = begun?.record.attempt ?? run.deliveries;
  const isResumed = begun?.continues ?? false;
  const failure = isAnswered ? undefined : (run.failure ?? whyNotRun(entity, delivery, attempt, options.maxAttempts));
  const timeoutMs = options.runTimeoutMs;
  const about = { ...options, ...begunRun, history, timeoutMs, signal: delivery.signal, attempt, isResumed };
  if (failure !== undefined) return finishRun(entity, begunRun, options, await failRun(about, failure));
  const steps = stepsOf(run, options, history);
  const approvals = approvalsOf(run, options);
  const result = await runAgent({ ...about, steps, approvals });
  if (result.response !== undefined) return finishRun(entity, begunRun, options, result);
  const { firstUpdateAt } = result;
  const waiting = { request, steps: steps.finished, approvals: [...approvals.all] };
  const suspended = await suspendRun(entity, begunRun, options, waiting, firstUpdateAt);
  if (suspended !== undefined) return suspended;
  const message =
    'The run cannot wait for approval: with its steps so far, the thread would exceed AGENT_MAX_STATE_BYTES.';
  const failed = await failRun({ ...about, isResumed: true }, new AgentError('state_too_large', message));
  return finishRun(entity, begunRun, options, { ...failed, firstUpdateAt });
}

/** Stores a run that waits for approval. @returns undefined if the thread's state would exceed its limit */
async function suspendRun(
  entity: DurableEntityContext<unknown>,
  run: DeliveredRun,
  options: DeliverRunOptions,
  waitingRun: WaitingRun,
  firstUpdateAt: string | undefined,
): Promise<OperationOutcome | undefined> {
  const { state, request, delivery } = run;
  const waitingState = withWaitingState(state, { ...waitingStateOf(state), waitingRun });
  const bounded = boundOpenState(waitingState, options.maxStateBytes, new Date());
  if (bounded === undefined) return undefined;
  logBounds(bounded, run, options);
  await delivery.noteDropped(bounded.droppedTurns);
  entity.setState(bounded.state);
  const record = await delivery.suspend(waitingRun, firstUpdateAt);
  // A request to cancel may have arrived too late for the agent.
  if (record?.cancelRequestedAt !== undefined) entity.signalEntity(entity.entityId, 'resume');
  return { result: { status: 'waiting_for_approval', correlation_id: request.correlationId } };
}

/** Stores the history with the response of a run, and records how the run ended. */
async function finishRun(
  entity: DurableEntityContext<unknown>,
  run: DeliveredRun,
  options: DeliverRunOptions,
  result: RunResult,
): Promise<OperationOutcome> {
  const { state, request, delivery, waitingRun } = run;
  const { correlationId } = request;
  const before = state.data.conversationHistory;
  const ended = waitingRun === undefined ? state : withWaitingState(state, withoutWaitingRun(waitingStateOf(state)));
  const whole = { ...ended, data: { ...ended.data, conversationHistory: [...result.history] } };
  const bounded = boundThreadState(whole, options.maxStateBytes, new Date());
  logBounds(bounded, run, options);
  await delivery.noteDropped(bounded.droppedTurns);
  const messageCount = bounded.state.data.conversationHistory.length;
  // An earlier delivery may have answered the run without being able to record its end.
  if (findResponse(before, correlationId) !== undefined) await delivery.repair(before);
  else await delivery.end(endOf(result, request, messageCount));
  if (waitingRun !== undefined) await delivery.noteWaiting(undefined);
  entity.setState(bounded.state);
  const error = responseError(result.response);
  return {
    result: {
      status: error === undefined ? 'success' : 'error',
      correlation_id: correlationId,
      message_count: messageCount,
      ...(error?.errorCode === 'invalid_thread_id' && { error: error.message ?? '' }),
    },
  };
}

function stepsOf(
  { threadId, request, waitingRun, log }: DeliveredRun,
  { stepStore: store, agent }: DeliverRunOptions,
  history: readonly ThreadEntry[],
): RunSteps {
  const run = { agentName: agent.name, threadId, correlationId: request.correlationId };
  const isAnswered = (correlationId: string): boolean => findResponse(history, correlationId) !== undefined;
  return new RunSteps({ store, finished: waitingRun?.steps, run, isAnswered, log });
}

function approvalsOf({ threadId, request, waitingRun }: DeliveredRun, options: DeliverRunOptions): RunApprovals {
  const { agent, approvalTimeoutMs: timeoutMs } = options;
  const run = { agentName: agent.name, threadId, correlationId: request.correlationId };
  return new RunApprovals({ run, known: waitingRun?.approvals ?? [], timeoutMs, now: () => new Date() });
}

function logBounds(
  { droppedTurns, isCut }: BoundedThreadState,
  { threadId, request, log }: DeliveredRun,
  { agent }: DeliverRunOptions,
): void {
  const where = `[${agent.name}][${request.correlationId}] thread ${threadId} has reached AGENT_MAX_STATE_BYTES:`;
  if (droppedTurns.length > 0) log.info(`${where} dropped its oldest turns (${droppedTurns.length})`);
  if (isCut) log.warn(`${where} cut the newest turn in the stored conversation; callers and events get all of it`);
}

/** Returns the error of a run that must not ask the agent; undefined if it may. */
function whyNotRun(
  { entityId }: DurableEntityContext<unknown>,
  delivery: RunDelivery,
  attempt: number,
  maxAttempts: number,
): AgentError | undefined {
  if (fromEntityKey(entityId.key) === undefined) {
    return new AgentError('invalid_thread_id', `The key of this entity is not that of a thread id: ${THREAD_ID_RULE}.`);
  }
  if (delivery.signal.aborted) return AgentError.from(delivery.signal.reason);
  if (attempt <= maxAttempts) return undefined;
  const message = `The run was interrupted ${maxAttempts} times, which is the limit. It is not retried.`;
  return new AgentError('too_many_attempts', message);
}

/** @param messageCount - number of stored entries of the conversation, including the response */
export function endOf(
  { history, response, finishReason, cost, firstUpdateAt }: RunResult,
  { correlationId }: RunRequest,
  messageCount: number,
): RunEnd {
  const outcome = findOutcome(history, correlationId);
  if (outcome?.status !== 'success') {
    const { error = 'The agent failed.', errorCode = 'agent_error', retryAfterSeconds } = outcome ?? {};
    const status = errorCode === CANCELLED_END.errorCode ? 'cancelled' : 'failed';
    return { status, errorCode, error, retryAfterSeconds, firstUpdateAt };
  }
  const usage = usageOf(response);
  return { status: 'completed', response: outcome.response, messageCount, usage, cost, finishReason, firstUpdateAt };
}
