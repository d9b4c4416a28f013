import { inspect } from 'node:util';
import type { Agent, AgentResponse } from './agent.js';
import type { AgentResponseCallback } from './agent-response-callback.js';
import { CallbackNotifier } from './callback-notifier.js';
import { AgentError } from './errors.js';
import type { Logger } from '../functions/logger.js';
import { raceAbort } from '../functions/time-limits.js';
import { pullUntilAborted } from './pull-until-aborted.js';
import { ResponseCollector } from './response-collector.js';
import type { RunRequest } from './run-request.js';
import {
  findResponse,
  replayableMessages,
  type ThreadEntry,
  type ThreadMessage,
  type ThreadRequest,
  type ThreadResponse,
  threadResponseSchema,
} from './thread/thread-state.js';

const MAX_BUSY_MS = 5;
const MAX_LOGGED_CAUSE_CHARS = 500;

export interface RunAgentOptions {
  readonly agent: Agent;
  readonly threadId: string;
  readonly request: RunRequest;
  /** The thread's entries so far, oldest first. */
  readonly history: readonly ThreadEntry[];
  /** Absent: nobody watches. */
  readonly callback?: AgentResponseCallback | undefined;
  readonly log: Logger;
  /** The longest that the whole run may take, with its callbacks. */
  readonly timeoutMs: number;
  readonly now?: () => Date;
}

/** What a run came to. */
export interface Turn {
  /** The history with this run in it. */
  readonly history: readonly ThreadEntry[];
  readonly response: ThreadResponse;
}

/**
 * Takes one turn: puts the request to the agent, passes each update and the outcome through the callback, and gives
 * back the history with the request and its response. A failure is a response as well, with an `error` content; nothing
 * is thrown. A run that the history already answers is not repeated.
 */
export async function runAgent(options: RunAgentOptions): Promise<Turn> {
  const { agent, threadId, request, history, callback, log, timeoutMs, now = () => new Date() } = options;
  const { correlationId } = request;
  const where = `[${agent.name}][${correlationId}]`;

  const earlier = findResponse(history, correlationId);
  if (earlier !== undefined) {
    log.info(`${where} already answered; not run again (thread ${threadId})`);
    return { history, response: earlier };
  }

  const requestEntry = toRequestEntry(request);
  const notifier = new CallbackNotifier({ callback, agentName: agent.name, threadId, request, log });
  let response: ThreadResponse;
  log.info(`${where} run started (thread ${threadId})`);
  try {
    const messages = [...replayableMessages(history), ...requestEntry.messages];
    const answer = await answerInTime(agent, messages, notifier, timeoutMs, now);
    response = toResponseEntry(correlationId, answer, now());
    // A copy: whatever a callback does to it, the answer is kept as the model gave it.
    await notifier.response(structuredClone(answer));
    log.info(`${where} run answered (thread ${threadId})`);
  } catch (error) {
    const failure = AgentError.from(error);
    response = toFailedEntry(correlationId, failure, agent.name, now());
    log.warn(`${where} run failed: ${failure.code}: ${failure.message}${causeOf(failure)} (thread ${threadId})`);
    await notifier.error(failure);
  }
  return { history: [...history, requestEntry, response], response };
}

async function answerInTime(
  agent: Agent,
  messages: readonly ThreadMessage[],
  notifier: CallbackNotifier,
  timeoutMs: number,
  now: () => Date,
): Promise<AgentResponse> {
  const deadline = new AbortController();
  const timer = setTimeout(() => {
    deadline.abort(new AgentError('run_timeout', `The run took longer than ${timeoutMs / 1000} s and was ended.`));
  }, timeoutMs);
  try {
    await raceAbort(notifier.start(), deadline.signal);
    return await answerWithRetry(agent, messages, notifier, deadline.signal, now);
  } finally {
    clearTimeout(timer);
  }
}

/** Repeats a broken attempt once, and only while no reader has seen any of it. */
async function answerWithRetry(
  agent: Agent,
  messages: readonly ThreadMessage[],
  notifier: CallbackNotifier,
  signal: AbortSignal,
  now: () => Date,
): Promise<AgentResponse> {
  const attempt = async (streaming: boolean, collector: ResponseCollector): Promise<AgentResponse> => {
    let busySince = performance.now();
    for await (const part of pullUntilAborted(agent.run(messages, { signal, streaming }), signal)) {
      for (const update of collector.push(part)) await raceAbort(notifier.update(update), signal);
      // Parts that have arrived together are taken without a pause: others in this process get their turn in between.
      if (performance.now() - busySince > MAX_BUSY_MS) {
        await new Promise(setImmediate);
        busySince = performance.now();
      }
    }
    return collector.response(agent.name, now());
  };
  const first = new ResponseCollector();
  try {
    return await attempt(true, first);
  } catch (error) {
    const { recovery } = AgentError.from(error);
    if (recovery === undefined || first.hasVisibleUpdates || signal.aborted) throw error;
    return attempt(recovery === 'retry', new ResponseCollector());
  }
}

function toRequestEntry(request: RunRequest): ThreadRequest {
  return {
    $type: 'request',
    correlationId: request.correlationId,
    createdAt: request.createdAt,
    messages: [
      { role: request.role, contents: [{ $type: 'text', text: request.message }], createdAt: request.createdAt },
    ],
    ...(request.orchestrationId !== undefined && { orchestrationId: request.orchestrationId }),
    responseType: request.responseType,
  };
}

function toResponseEntry(correlationId: string, response: AgentResponse, createdAt: Date): ThreadResponse {
  const { usage } = response;
  // Parsed, as an entry that can't be read again would make the thread useless.
  return threadResponseSchema.parse({
    $type: 'response',
    correlationId,
    createdAt: createdAt.toISOString(),
    messages: response.messages,
    ...(usage && {
      usage: {
        inputTokenCount: usage.inputTokenCount,
        outputTokenCount: usage.outputTokenCount,
        totalTokenCount: usage.totalTokenCount,
        ...(usage.extra && { extensionData: usage.extra }),
      },
    }),
  });
}

function toFailedEntry(correlationId: string, error: AgentError, authorName: string, now: Date): ThreadResponse {
  const createdAt = now.toISOString();
  const content = { $type: 'error' as const, message: error.message, errorCode: error.code };
  return {
    $type: 'response',
    correlationId,
    createdAt,
    messages: [{ role: 'assistant', contents: [content], createdAt, authorName }],
  };
}

/** For the log alone. What was not foreseen is logged with its stack. */
function causeOf({ code, cause }: AgentError): string {
  if (cause === undefined) return '';
  if (!(cause instanceof Error)) return ` (${inspect(cause)})`;
  return code === 'agent_error'
    ? `\n${cause.stack}\n`
    : ` (${cause.name}: ${cause.message.slice(0, MAX_LOGGED_CAUSE_CHARS)})`;
}
