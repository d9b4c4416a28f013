import type { DurableEntityContext } from 'durable-functions';
import type { Logger } from '../../functions/logger.js';
import type { Agent } from '../agent.js';
import type { AgentResponseCallback } from '../agent-response-callback.js';
import { findOutcome } from '../client/run-outcome.js';
import { AgentError, ThreadStateError } from '../errors.js';
import type { ModelPrices } from '../model-price.js';
import type { Redaction } from '../redaction/redaction.js';
import { failRun, runAgent, type RunAgentOptions, type RunResult } from '../run-agent.js';
import type { RunCompletionNotifier } from '../run-completion-notifier.js';
import { type RunRequest, runRequestSchema } from '../run-request.js';
import { CANCELLED_END, type RunEnd, usageOf } from '../runs/run-record.js';
import type { RunRecords } from '../runs/run-records.js';
import { stateAfter } from '../runs/tombstones.js';
import type { RunTracer } from '../run-tracer.js';
import { boundThreadState, type BoundedThreadState } from '../thread/bound-thread-state.js';
import type { HistoryLimits } from '../thread/history-window.js';
import { fromEntityKey, THREAD_ID_RULE } from '../thread/thread-id.js';
import {
  findResponse,
  ownedBy,
  ownerOf,
  parseThreadState,
  responseError,
  type ThreadEntry,
} from '../thread/thread-state.js';
import { RunSteps } from '../tools/run-steps.js';
import type { KeyValueStore } from '../../storage/key-value-store.js';
import type { MemoryLimits } from '../threads/memory-limits.js';
import type { ThreadIndex } from '../threads/thread-index.js';
import { RunDelivery } from './run-delivery.js';

export interface RunOperationOptions {
  readonly agent: Agent;
  readonly callback: AgentResponseCallback | undefined;
  readonly completions: RunCompletionNotifier;
  readonly runTimeoutMs: number;
  /** A run that was delivered more often fails without asking the agent. */
  readonly maxAttempts: number;
  readonly historyLimits?: HistoryLimits | undefined;
  /** Maximum size of a thread's state, in bytes of JSON. */
  readonly maxStateBytes: number;
  readonly runRecords: RunRecords;
  readonly threadIndex: ThreadIndex;
  /** Keeps the finished steps of runs. Undefined: a run starts over after a crash. */
  readonly stepStore?: KeyValueStore | undefined;
  /** Bounds what this process remembers. Undefined: the store is not its memory. */
  readonly memoryLimits?: MemoryLimits | undefined;
  /** Makes spans of the runs. Optional. */
  readonly tracer?: RunTracer | undefined;
  /** See {@link RunAgentOptions}. Also redacts the log and the list of threads. Optional. */
  readonly redaction?: Redaction | undefined;
  readonly redactAnswers?: boolean | undefined;
  readonly prices?: ModelPrices | undefined;
}

/** The outcome of an operation on an entity. */
export interface OperationOutcome {
  /** Small, as a large result can make the host roll the state back. Errors are results, too. */
  readonly result: Readonly<Record<string, string | number>>;
  /** Whether the entity ceases to exist. @default false */
  readonly isGone?: boolean;
}

/**
 * The operation `run`: runs the agent and adds the turn to the thread.
 *
 * @param deliveries how often the host has delivered the operation, as far as it tells
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
  const threadId = fromEntityKey(entity.entityId.key) ?? entity.entityId.key;
  const delivery = new RunDelivery({
    ...options,
    run: { ...request, agentName: options.agent.name, threadId },
    shownMessage: options.redaction?.text(request.message) ?? request.message,
    owner: request.ownerId,
    log,
  });
  try {
    return await deliver(entity, deliveries, { ...options, threadId, request, delivery, log });
  } finally {
    delivery.close();
    await options.memoryLimits?.enforce(options.agent.name);
    options.completions.announce(request.correlationId);
  }
}

interface DeliverOptions extends RunOperationOptions, Pick<RunAgentOptions, 'threadId' | 'request' | 'log'> {
  readonly delivery: RunDelivery;
}

async function deliver(
  entity: DurableEntityContext<unknown>,
  deliveries: number,
  options: DeliverOptions,
): Promise<OperationOutcome> {
  const { agent, request, threadId, log, delivery } = options;
  const { correlationId } = request;
  const about = { ...options, timeoutMs: options.runTimeoutMs, signal: delivery.signal };
  let state;
  try {
    state = parseThreadState(entity.getState());
  } catch (error) {
    if (!(error instanceof ThreadStateError)) throw error;
    // Readers stop waiting once the callback has recorded the failure.
    const failed = await failRun(
      { ...about, history: [] },
      new AgentError(error.code, error.message, { cause: error }),
    );
    await delivery.end(endOf(failed, request, 0));
    throw error;
  }
  const isAnswered = findResponse(state.data.conversationHistory, correlationId) !== undefined;
  const begun = isAnswered ? undefined : await delivery.begin(deliveries);
  if (begun?.status === 'refused') {
    log.info(`[${agent.name}][${correlationId}] not run: its thread was deleted (thread ${threadId})`);
    return { result: { status: 'deleted', correlation_id: correlationId }, isGone: entity.isNewlyConstructed };
  }
  if (begun?.status === 'ended') {
    log.info(`[${agent.name}][${correlationId}] already ended; not run again (thread ${threadId})`);
    return { result: { status: begun.record.status, correlation_id: correlationId } };
  }
  if (begun?.deletedAt !== undefined) state = stateAfter(state, begun.deletedAt);
  const owner = ownerOf(state) ?? request.ownerId;
  if (owner !== undefined && request.ownerId !== undefined && owner !== request.ownerId) {
    return { result: { error: 'The thread belongs to another user.' } };
  }
  const history = state.data.conversationHistory;
  const attempt = begun?.record.attempt ?? deliveries;
  const failure = isAnswered ? undefined : whyNotRun(entity, delivery, attempt, options.maxAttempts);
  const result = await (failure === undefined
    ? runAgent({ ...about, attempt, history, steps: stepsOf(options, history) })
    : failRun({ ...about, attempt, history }, failure));
  const owned = owner === undefined ? state : ownedBy(state, owner);
  const whole = { ...owned, data: { ...owned.data, conversationHistory: [...result.history] } };
  const bounded = boundThreadState(whole, options.maxStateBytes, new Date());
  logBounds(bounded, about);
  await delivery.noteDropped(bounded.droppedTurns);
  const messageCount = bounded.state.data.conversationHistory.length;
  if (!isAnswered) await delivery.end(endOf(result, request, messageCount));
  entity.setState(bounded.state);
  return {
    result: {
      status: responseError(result.response) ? 'error' : 'success',
      correlation_id: correlationId,
      message_count: messageCount,
      ...(failure?.code === 'invalid_thread_id' && { error: failure.message }),
    },
  };
}

function stepsOf(
  { stepStore, agent, threadId, request, log }: DeliverOptions,
  history: readonly ThreadEntry[],
): RunSteps | undefined {
  if (stepStore === undefined) return undefined;
  const run = { agentName: agent.name, threadId, correlationId: request.correlationId };
  const isAnswered = (correlationId: string): boolean => findResponse(history, correlationId) !== undefined;
  return new RunSteps({ store: stepStore, run, isAnswered, log });
}

function logBounds(
  { droppedTurns, isCut }: BoundedThreadState,
  { agent, threadId, request, log }: Pick<RunAgentOptions, 'agent' | 'threadId' | 'request' | 'log'>,
): void {
  const where = `[${agent.name}][${request.correlationId}] thread ${threadId} has reached AGENT_MAX_STATE_BYTES:`;
  if (droppedTurns.length > 0) log.info(`${where} dropped its oldest turns (${droppedTurns.length})`);
  if (isCut) log.warn(`${where} cut the newest turn in the stored conversation; callers and events get it whole`);
}

/** What a run fails with that must not ask the agent. */
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
  const message = `The run was interrupted ${maxAttempts} times, which is the limit. It is not tried again.`;
  return new AgentError('too_many_attempts', message);
}

/** @param messageCount entries of the conversation that are kept, the response included */
function endOf(
  { history, response, finishReason, cost, firstUpdateAt }: RunResult,
  { correlationId }: RunRequest,
  messageCount: number,
): RunEnd {
  const outcome = findOutcome(history, correlationId);
  if (outcome?.status !== 'success') {
    const { error, errorCode } = outcome ?? { error: 'The agent failed.', errorCode: 'agent_error' };
    const status = errorCode === CANCELLED_END.errorCode ? 'cancelled' : 'failed';
    return { status, errorCode, error, firstUpdateAt };
  }
  const usage = usageOf(response);
  return { status: 'completed', response: outcome.response, messageCount, usage, cost, finishReason, firstUpdateAt };
}
