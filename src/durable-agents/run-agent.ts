import { inspect } from 'node:util';
import type { Agent, AgentFinishReason, AgentResponse } from './agent.js';
import type { AgentResponseCallback } from './agent-response-callback.js';
import type { RunApprovals } from './approvals/run-approvals.js';
import { askAgent } from './ask-agent.js';
import { CallbackNotifier } from './callback-notifier.js';
import { AgentError } from './errors.js';
import type { Logger } from '../functions/logger.js';
import { costOf, type ModelPrices, type RunCost } from './model-price.js';
import type { Redaction } from './redaction/redaction.js';
import { RunRedaction } from './redaction/run-redaction.js';
import type { RunRequest } from './run-request.js';
import { answerFormatOf } from './structured-output.js';
import type { RunSteps } from './tools/run-steps.js';
import { type HistoryLimits, HistoryWindow } from './thread/history-window.js';
import type { RunTracer } from './run-tracer.js';
import { checkedEntry, findResponse, type ThreadEntry, type ThreadMessage } from './thread/thread-state.js';

const MAX_LOGGED_CAUSE_CHARS = 500;

export interface RunAgentOptions {
  readonly agent: Agent;
  readonly threadId: string;
  readonly request: RunRequest;
  /** The thread's entries so far, oldest first. */
  readonly history: readonly ThreadEntry[];
  /** Optional. */
  readonly callback?: AgentResponseCallback | undefined;
  /** See {@link AgentCallbackContext.attempt}. @default 1 */
  readonly attempt?: number;
  /** Optional. */
  readonly tracer?: RunTracer | undefined;
  /** Redacts the input of the callback and the tracer. Optional. */
  readonly redaction?: Redaction | undefined;
  /** Whether to redact the answer or failure in the conversation, too. @default false */
  readonly redactAnswers?: boolean | undefined;
  /** Optional. */
  readonly prices?: ModelPrices | undefined;
  readonly log: Logger;
  /** Time limit of the whole run, including its callbacks. */
  readonly timeoutMs: number;
  /** See {@link AgentRunOptions.steps}. */
  readonly steps?: RunSteps | undefined;
  /** See {@link AgentRunOptions.approvals}. */
  readonly approvals?: RunApprovals | undefined;
  /** See {@link AgentCallbackContext.isResumed}. @default false */
  readonly isResumed?: boolean | undefined;
  /** Cancels the run: it fails with the signal's reason. Optional. */
  readonly signal?: AbortSignal | undefined;
  /** Limits of the history that the model gets. */
  readonly historyLimits?: HistoryLimits | undefined;
  readonly now?: () => Date;
}

/** How a run ended. */
export interface RunResult {
  /** The thread's entries, including the request and response of this run. */
  readonly history: readonly ThreadEntry[];
  readonly response: ThreadEntry;
  /** Undefined if the run failed or was already completed. */
  readonly finishReason?: AgentFinishReason | undefined;
  /** Undefined if the price of the model is not known, or its usage. */
  readonly cost?: RunCost | undefined;
  /** When the callback got the first update: ISO 8601 in UTC. Undefined if there was none. */
  readonly firstUpdateAt?: string | undefined;
}

/** The run waits for approvals. Nothing of it is in the history yet. */
export interface SuspendedRun {
  readonly response?: undefined;
  /** See {@link RunResult.firstUpdateAt}. */
  readonly firstUpdateAt: string | undefined;
}

/**
 * Runs the agent on one request. Passes each update and the outcome to the callback, and returns the history with the
 * request and its response. A failure becomes a response with an `error` content; nothing is thrown. A run that has a
 * response in the history is not repeated.
 */
export async function runAgent(options: RunAgentOptions): Promise<RunResult | SuspendedRun> {
  const { agent, threadId, history, callback, attempt = 1, log, timeoutMs, now = () => new Date() } = options;
  const answerFormat = answerFormatOf(agent, options.request);
  const request = { ...options.request, responseSchema: answerFormat?.schema };
  const { signal, isResumed = false, redactAnswers = false } = options;
  const redaction = toRunRedaction(options);
  const { correlationId } = request;
  const where = `[${agent.name}][${correlationId}]`;

  const existing = findResponse(history, correlationId);
  if (existing !== undefined) {
    log.info(`${where} already answered; not run again (thread ${threadId})`);
    return { history, response: existing };
  }

  const notifier = new CallbackNotifier({
    callback,
    agentName: agent.name,
    threadId,
    request,
    attempt,
    isResumed,
    log,
    redaction,
    timeoutMs,
    now,
  });
  const requestEntry = toRequestEntry(request);
  let response: ThreadEntry;
  let finishReason: AgentFinishReason | undefined;
  let cost: RunCost | undefined;
  log.info(`${where} run ${isResumed ? 'resumed' : 'started'} (thread ${threadId})`);
  const trace = options.tracer?.startRun({
    agent,
    threadId,
    correlationId,
    attempt,
    requestedAt: request.createdAt,
    traceParent: request.traceParent,
    redact: (text) => redaction?.text(text) ?? text,
  });
  try {
    const window = HistoryWindow.select(history, requestEntry.messages, options.historyLimits);
    const asked = {
      agent,
      window,
      request,
      threadId,
      notifier,
      where,
      steps: options.steps,
      approvals: options.approvals,
      isResumed,
      trace,
      timeoutMs,
      signal,
      log,
      now,
    };
    const answered = await askAgent(asked);
    if (answered === undefined) {
      await notifier.suspended();
      trace?.suspended();
      log.info(`${where} run waits for approval (thread ${threadId})`);
      return { firstUpdateAt: notifier.firstUpdateAt };
    }
    const answer = withCost(answered, agent, options.prices);
    answerFormat?.parse(answer.text);
    // An answer that cannot be stored is a failure. Check before the callback gets the answer.
    response = toResponseEntry(correlationId, answer, now());
    ({ finishReason, cost } = answer);
    const shown = await notifier.response(answer);
    if (redactAnswers) response = toResponseEntry(correlationId, shown, now());
    trace?.answered(shown);
    log.info(`${where} run answered (thread ${threadId})`);
  } catch (error) {
    const failure = AgentError.from(error);
    log.warn(`${where} run failed: ${failure.code}: ${failure.message}${causeOf(failure)} (thread ${threadId})`);
    const shown = redaction?.error(failure) ?? failure;
    // Created before the callback, which may change the error.
    response = toFailedEntry(correlationId, redactAnswers ? shown : failure, agent.name, now());
    trace?.failed(shown);
    await notifier.error(shown);
  }
  const { firstUpdateAt } = notifier;
  return { history: [...history, requestEntry, response], response, finishReason, cost, firstUpdateAt };
}

/**
 * Records a run that cannot start: reports it to the callback, and returns the history with its request and failure.
 */
export async function failRun(options: RunAgentOptions, failure: AgentError): Promise<RunResult> {
  const { agent, threadId, request, history, callback, attempt = 1, log, timeoutMs, now = () => new Date() } = options;
  const { isResumed, redactAnswers = false } = options;
  const redaction = toRunRedaction(options);
  const shown = redaction?.error(failure) ?? failure;
  const response = toFailedEntry(request.correlationId, redactAnswers ? shown : failure, agent.name, now());
  const watched = { callback, agentName: agent.name, threadId, request, attempt, isResumed, log, redaction, timeoutMs };
  await new CallbackNotifier(watched).error(shown);
  return { history: [...history, toRequestEntry(request), response], response };
}

function withCost(answer: AgentResponse, { model }: Agent, prices: ModelPrices = {}): AgentResponse {
  const price = model && Object.hasOwn(prices, model.name) ? prices[model.name] : undefined;
  return answer.usage === undefined || price === undefined ? answer : { ...answer, cost: costOf(answer.usage, price) };
}

function toRunRedaction({ redaction }: RunAgentOptions): RunRedaction | undefined {
  return redaction === undefined ? undefined : new RunRedaction(redaction);
}

function toRequestEntry(request: RunRequest): ThreadEntry & { messages: ThreadMessage[] } {
  return {
    $type: 'request',
    correlationId: request.correlationId,
    createdAt: request.createdAt,
    messages: [
      { role: request.role, contents: [{ $type: 'text', text: request.message }], createdAt: request.createdAt },
    ],
    ...(request.orchestrationId !== undefined && { orchestrationId: request.orchestrationId }),
    responseType: request.responseType,
    ...(request.responseSchema && { responseSchema: request.responseSchema }),
  };
}

function toResponseEntry(correlationId: string, response: AgentResponse, createdAt: Date): ThreadEntry {
  const { usage } = response;
  return checkedEntry({
    $type: 'response',
    correlationId,
    createdAt: createdAt.toISOString(),
    messages: [...response.messages],
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

function toFailedEntry(correlationId: string, error: AgentError, authorName: string, now: Date): ThreadEntry {
  const createdAt = now.toISOString();
  const { retryAfterSeconds } = error;
  const content = {
    $type: 'error' as const,
    message: error.message,
    errorCode: error.code,
    ...(retryAfterSeconds !== undefined && { details: { retryAfterSeconds } }),
  };
  return {
    $type: 'response',
    correlationId,
    createdAt,
    messages: [{ role: 'assistant', contents: [content], createdAt, authorName }],
  };
}

/** Returns the cause of a failure for the log: with its stack if the error is unexpected. */
function causeOf({ code, cause }: AgentError): string {
  if (cause === undefined) return '';
  if (!(cause instanceof Error)) return ` (${inspect(cause)})`;
  return code === 'agent_error'
    ? `\n${cause.stack}\n`
    : ` (${cause.name}: ${cause.message.slice(0, MAX_LOGGED_CAUSE_CHARS)})`;
}
