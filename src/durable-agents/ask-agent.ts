import type { Agent, AgentResponse } from './agent.js';
import { type CallbackNotifier, outcomeTimeMs } from './callback-notifier.js';
import { AgentError } from './errors.js';
import type { RunApprovals } from './approvals/run-approvals.js';
import { errorText } from '../functions/error-text.js';
import type { Logger } from '../functions/logger.js';
import { consume, raceAbort } from '../functions/time-limits.js';
import type { RunSteps } from './tools/run-steps.js';
import { ResponseCollector } from './response-collector.js';
import type { RunRequest } from './run-request.js';
import type { RunTrace } from './run-tracer.js';
import type { HistoryWindow } from './thread/history-window.js';

/** How long a burst of parts may block the event loop. */
const MAX_BUSY_MS = 5;
const MAX_CLOSE_MS = 1000;

export interface AskAgentOptions {
  readonly agent: Agent;
  readonly window: HistoryWindow;
  readonly request: RunRequest;
  readonly threadId: string;
  readonly notifier: CallbackNotifier;
  /** Prefix of log lines. */
  readonly where: string;
  /** See {@link AgentRunOptions.steps}. */
  readonly steps?: RunSteps | undefined;
  /** See {@link AgentRunOptions.approvals}. */
  readonly approvals?: RunApprovals | undefined;
  /** Whether the callback has already seen the updates before the agent's resumption. @default false */
  readonly isResumed?: boolean | undefined;
  readonly trace?: RunTrace | undefined;
  /** Time limit of the whole run. */
  readonly timeoutMs: number;
  /** Ends the run early. The run fails with its reason. Optional. */
  readonly signal?: AbortSignal | undefined;
  readonly log: Logger;
  readonly now: () => Date;
}

/**
 * Asks the agent for an answer and passes each update to the callback. Stops before the run's time limit by {@link
 * outcomeTimeMs}.
 *
 * @returns undefined if the run waits for approvals
 * @throws AgentError `run_timeout` after the time limit; the signal's reason if it is aborted; otherwise the agent's
 * error
 */
export async function askAgent(options: AskAgentOptions): Promise<AgentResponse | undefined> {
  const { notifier, timeoutMs } = options;
  const outcomeMs = outcomeTimeMs(timeoutMs);
  const deadline = new AbortController();
  const timer = setTimeout(() => {
    const message = `The run did not end within its time limit of ${timeoutMs / 1000} s.`;
    deadline.abort(new AgentError('run_timeout', message));
  }, timeoutMs - outcomeMs);
  const closeTimeoutMs = Math.min(MAX_CLOSE_MS, outcomeMs / 4);
  const signal = options.signal === undefined ? deadline.signal : AbortSignal.any([deadline.signal, options.signal]);
  try {
    const starting = notifier.start();
    if (starting !== undefined) await raceAbort(starting, signal);
    signal.throwIfAborted();
    return await askWithinContext(options, signal, closeTimeoutMs);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks again with half of the history if the model refuses the conversation as too long, unless updates were shown. */
async function askWithinContext(
  options: AskAgentOptions,
  signal: AbortSignal,
  closeTimeoutMs: number,
): Promise<AgentResponse | undefined> {
  const { agent, request, threadId, notifier, steps, approvals, trace, log, now } = options;
  const { correlationId, enableToolCalls, responseSchema } = request;
  let isShown = options.isResumed !== true;
  const ask = async (window: HistoryWindow, collector: ResponseCollector): Promise<AgentResponse | undefined> => {
    let busySinceMs = performance.now();
    const onCloseError = (error: unknown): void => {
      log.warn(`[${agent.name}] the agent's stream could not be closed: ${errorText(error)}`);
    };
    await consume(
      agent.run(window.messages, {
        signal,
        threadId,
        correlationId,
        log,
        enableToolCalls,
        responseSchema,
        steps,
        approvals,
        trace,
      }),
      (part) => {
        let pending: void | Promise<void> = undefined;
        const updates = collector.push(part);
        for (const update of isShown ? updates : []) {
          const tell = () => (signal.aborted ? undefined : notifier.update(update));
          pending = pending === undefined ? tell() : pending.then(tell);
        }
        if (part.kind === 'resumption') isShown = true;
        // Parts that arrive together are read without a pause, which would block the event loop.
        const nowMs = performance.now();
        if (nowMs - busySinceMs <= MAX_BUSY_MS) return pending;
        busySinceMs = nowMs;
        return yieldAfter(pending);
      },
      { signal, closeTimeoutMs, onCloseError },
    );
    if (collector.isSuspended) return undefined;
    const { omittedTurnCount } = window;
    return { ...collector.response(agent.name, now()), ...(omittedTurnCount > 0 && { omittedTurnCount }) };
  };
  const first = new ResponseCollector();
  try {
    return await ask(options.window, first);
  } catch (error) {
    if (first.hasVisibleUpdates || signal.aborted) throw error;
    const isTooLong = AgentError.from(error).code === 'context_length_exceeded';
    const half = isTooLong ? options.window.half() : undefined;
    if (half === undefined) throw error;
    log.warn(`${options.where} too long for the model; trying again without the oldest ${half.omittedTurnCount} turns`);
    const { omittedTurnCount } = half;
    return ask(half, new ResponseCollector()).catch((again: unknown) => {
      throw AgentError.from(again).with({ omittedTurnCount });
    });
  }
}

/** Waits for pending callbacks, then yields to the event loop. */
async function yieldAfter(pending: void | Promise<void>): Promise<void> {
  await pending;
  await new Promise(setImmediate);
}
