import type { DurableEntityContext, EntityHandler } from 'durable-functions';
import type { Agent } from '../agent.js';
import type { AgentResponseCallback } from '../agent-response-callback.js';
import { CallbackNotifier } from '../callback-notifier.js';
import { AgentError, ThreadStateError } from '../errors.js';
import { InvocationLog, type Logger } from '../../functions/logger.js';
import { runAgent } from '../run-agent.js';
import type { RunCompletionNotifier } from '../run-completion-notifier.js';
import { type RunRequest, runRequestSchema } from '../run-request.js';
import { isThreadId, THREAD_ID_RULE } from '../thread/thread-id.js';
import { createThreadState, parseThreadState, responseError, type ThreadState } from '../thread/thread-state.js';

export interface AgentEntityOptions {
  readonly agent: Agent;
  readonly callback: AgentResponseCallback | undefined;
  readonly completions: RunCompletionNotifier;
  readonly runTimeoutMs: number;
}

/** Kept small: the host can roll a thread's state back over a large result. Errors are results too, never thrown. */
type OperationResult = Readonly<Record<string, string | number>>;

/** The name under which the entity of an agent is registered. */
export function agentEntityName(agentName: string): string {
  return `dafx-${agentName}`;
}

/**
 * The durable entity of an agent, one for each thread: it runs the agent and keeps the conversation.
 *
 * Operations: `run` (`run_agent` is the same) with a {@link RunRequest}, `reset`. Whatever happens is a result: an
 * operation that throws would be recorded by the host as `{}`, its message lost.
 */
export function createAgentEntity(options: AgentEntityOptions): EntityHandler<unknown> {
  return async (context) => {
    const entity = context.df;
    const log = new InvocationLog(context);
    try {
      const result = await operate(entity, options, log);
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
  options: AgentEntityOptions,
  log: Logger,
): Promise<OperationResult> {
  const threadId = entity.entityId.key;
  if (!isThreadId(threadId)) return { error: `Invalid thread_id: expected ${THREAD_ID_RULE}` };
  switch (entity.operationName) {
    case 'run':
    case 'run_agent':
      return run(entity, threadId, options, log);
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
  threadId: string,
  options: AgentEntityOptions,
  log: Logger,
): Promise<OperationResult> {
  const parsed = runRequestSchema.safeParse(entity.getInput());
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'input'}: ${issue.message}`);
    return { error: `Invalid run request: ${problems.join('; ')}` };
  }
  const request = parsed.data;
  try {
    const state = await readState(entity, threadId, request, options, log);
    const result = await runAgent({
      agent: options.agent,
      threadId,
      request,
      history: state.data.conversationHistory,
      callback: options.callback,
      log,
      timeoutMs: options.runTimeoutMs,
    });
    entity.setState({ ...state, data: { ...state.data, conversationHistory: result.history } });
    return {
      status: responseError(result.response) ? 'error' : 'success',
      correlation_id: request.correlationId,
      message_count: result.history.length,
    };
  } finally {
    options.completions.announce(request.correlationId);
  }
}

/** Reports unreadable state to the callback so that readers stop waiting. */
async function readState(
  entity: DurableEntityContext<unknown>,
  threadId: string,
  request: RunRequest,
  { agent, callback, runTimeoutMs: timeoutMs }: AgentEntityOptions,
  log: Logger,
): Promise<ThreadState> {
  try {
    return parseThreadState(entity.getState());
  } catch (error) {
    if (error instanceof ThreadStateError) {
      const failure = new AgentError(error.code, error.message, { cause: error });
      await new CallbackNotifier({ callback, agentName: agent.name, threadId, request, log, timeoutMs }).error(failure);
    }
    throw error;
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
