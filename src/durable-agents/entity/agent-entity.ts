import type { DurableEntityContext, EntityHandler } from 'durable-functions';
import type { Agent } from '../agent.js';
import type { AgentResponseCallback } from '../agent-response-callback.js';
import { AgentError, ThreadStateError } from '../errors.js';
import { InvocationLog, type Logger } from '../../functions/logger.js';
import { errorText } from '../../functions/error-text.js';
import { withTimeout } from '../../functions/time-limits.js';
import { failRun, runAgent, type RunAgentOptions } from '../run-agent.js';
import type { RunRecords } from '../run-records.js';
import type { RunTracer } from '../run-tracer.js';
import type { RunCompletionNotifier } from '../run-completion-notifier.js';
import { runRequestSchema } from '../run-request.js';
import { fromEntityKey, THREAD_ID_RULE } from '../thread/thread-id.js';
import { createThreadState, findResponse, parseThreadState, responseError } from '../thread/thread-state.js';

const COUNT_TIMEOUT_MS = 1000;

export interface AgentEntityOptions {
  readonly agent: Agent;
  readonly callback: AgentResponseCallback | undefined;
  readonly completions: RunCompletionNotifier;
  readonly runTimeoutMs: number;
  /** A run that was delivered more often fails without asking the agent. */
  readonly maxAttempts: number;
  /** Counts deliveries where the host does not. Optional. */
  readonly runRecords: RunRecords | undefined;
  /** Makes spans of the runs. Optional. */
  readonly tracer?: RunTracer | undefined;
}

/** @param deliveries how often the host has delivered the operation, as far as it tells */
type OperationOptions = AgentEntityOptions & { readonly deliveries: number };

/** Small, as a large result can make the host roll the state back. Errors are results, too. */
type OperationResult = Readonly<Record<string, string | number>>;

/**
 * The durable entity of an agent, one for each thread: it runs the agent and keeps the conversation.
 *
 * Operations: `run` (`run_agent` is the same) with a run request, and `reset`. It never throws: the host records an
 * operation that throws as `{}` and loses its message.
 */
export function createAgentEntity(options: AgentEntityOptions): EntityHandler<unknown> {
  return async (context) => {
    const entity = context.df;
    const log = new InvocationLog(context);
    try {
      const result = await operate(
        entity,
        { ...options, deliveries: (context.retryContext?.retryCount ?? 0) + 1 },
        log,
      );
      if (result['error'] !== undefined) {
        // The sender of a signal never sees its result.
        log.warn(`[${options.agent.name}] refused (thread ${entity.entityId.key}): ${result['error']}`);
      }
      entity.return(result);
    } catch (error) {
      log.error(
        `[${options.agent.name}] operation ${entity.operationName} failed (thread ${entity.entityId.key}): ${describe(error)}`,
      );
      entity.return({ error: error instanceof ThreadStateError ? error.message : 'The operation failed.' });
    } finally {
      log.end();
    }
  };
}

async function operate(
  entity: DurableEntityContext<unknown>,
  options: OperationOptions,
  log: Logger,
): Promise<OperationResult> {
  switch (entity.operationName) {
    case 'run':
    case 'run_agent':
      return run(entity, options, log);
    case 'reset':
      parseThreadState(entity.getState());
      entity.setState(createThreadState());
      return { status: 'reset' };
    default:
      return { error: `Unknown operation: ${entity.operationName}` };
  }
}

async function run(
  entity: DurableEntityContext<unknown>,
  options: OperationOptions,
  log: Logger,
): Promise<OperationResult> {
  const parsed = runRequestSchema.safeParse(entity.getInput());
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'input'}: ${issue.message}`);
    return { error: `Invalid run request: ${problems.join('; ')}` };
  }
  const request = parsed.data;
  const { key } = entity.entityId;
  const threadId = fromEntityKey(key);
  const { agent, callback, completions, maxAttempts, tracer, runTimeoutMs: timeoutMs } = options;
  const about = { agent, threadId: threadId ?? key, request, callback, tracer, log, timeoutMs };
  try {
    const state = parseThreadState(entity.getState());
    const history = state.data.conversationHistory;
    const isAnswered = findResponse(history, request.correlationId) !== undefined;
    const attempt = isAnswered ? options.deliveries : await countAttempts(about, options);
    const failure =
      threadId === undefined
        ? invalidKey()
        : !isAnswered && attempt > maxAttempts
          ? tooManyAttempts(maxAttempts)
          : undefined;
    const result = await (failure === undefined
      ? runAgent({ ...about, attempt, history })
      : failRun({ ...about, attempt, history }, failure));
    entity.setState({ ...state, data: { ...state.data, conversationHistory: result.history } });
    return {
      status: responseError(result.response) ? 'error' : 'success',
      correlation_id: request.correlationId,
      message_count: result.history.length,
      ...(threadId === undefined && { error: invalidKey().message }),
    };
  } catch (error) {
    // Readers stop waiting once the callback has recorded the failure.
    if (error instanceof ThreadStateError) {
      await failRun({ ...about, history: [] }, new AgentError(error.code, error.message, { cause: error }));
    }
    throw error;
  } finally {
    completions.announce(request.correlationId);
  }
}

/** Which delivery of the run this is. A real host does not say so; an event store that keeps run records does. */
async function countAttempts(
  { agent, threadId, request, log }: Pick<RunAgentOptions, 'agent' | 'threadId' | 'request' | 'log'>,
  { deliveries, runRecords }: OperationOptions,
): Promise<number> {
  if (runRecords === undefined) return deliveries;
  const { correlationId } = request;
  try {
    const identity = { agentName: agent.name, threadId, correlationId };
    const earlier = await withTimeout(COUNT_TIMEOUT_MS, () => runRecords.attemptCount(identity));
    return Math.max(deliveries, earlier + 1);
  } catch (error) {
    log.warn(
      `[${agent.name}][${correlationId}] earlier attempts are unknown: ${errorText(error)} (thread ${threadId})`,
    );
    return deliveries;
  }
}

function tooManyAttempts(maxAttempts: number): AgentError {
  return new AgentError(
    'too_many_attempts',
    `The run was interrupted ${maxAttempts} times, which is the limit. It is not tried again.`,
  );
}

function invalidKey(): AgentError {
  return new AgentError('invalid_thread_id', `The key of this entity is not that of a thread id: ${THREAD_ID_RULE}.`);
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
