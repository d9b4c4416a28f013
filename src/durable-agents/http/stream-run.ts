import type { InvocationContext } from '@azure/functions';
import type { AgentClient } from '../client/agent-client.js';
import { errorText } from '../../functions/error-text.js';
import type { RunEventSource, RunEventStream } from '../run-event-source.js';
import type { RunOutcome } from '../client/run-outcome.js';
import type { RunRequest } from '../run-request.js';
import { describeError } from '../../functions/with-error-handling.js';
import { failedAnswer, type RunAnswer } from './run-answer.js';
import { sseFrame } from '../../functions/sse.js';

export interface StreamRunOptions {
  readonly client: AgentClient;
  readonly runEvents: RunEventSource;
  readonly agentName: string;
  readonly threadId: string;
  readonly run: RunRequest;
  /** How the run ended, when that is known already: it is not started then. */
  readonly earlier: RunOutcome | undefined;
  /** Whether another request may have started the run, so that its events are shown from the first on. */
  readonly fromStart: boolean;
  /** The answer to the run with this outcome; may throw what the caller is to be told instead. */
  readonly answerTo: (outcome: RunOutcome) => RunAnswer;
  readonly context: InvocationContext;
}

/**
 * Starts a run and gives its events as server-sent events, then `event: result` with the JSON of the run's answer. The
 * run goes on if nobody reads; a stream that has to end before the run does gives no result.
 *
 * @throws what hinders the run from being started
 */
export async function streamRun(options: StreamRunOptions): Promise<AsyncGenerator<string>> {
  const { client, runEvents, agentName, threadId, run, earlier, fromStart, answerTo, context } = options;
  const ended = new AbortController();
  const followed = { agentName, threadId, correlationId: run.correlationId };
  const events = await runEvents.follow(followed, ended.signal, { fromStart });
  try {
    const started = earlier === undefined ? await client.start(run) : undefined;
    const outcome = started?.outcome() ?? Promise.resolve(earlier);
    const answer = outcome
      .then((known) => known && answerTo(known))
      .catch((error: unknown) => failedAnswer(describeError(error, context)))
      .finally(() => ended.abort());
    return withResult(events, answer, context);
  } catch (error) {
    events.close();
    throw error;
  }
}

async function* withResult(
  { frames, close }: RunEventStream,
  answer: Promise<RunAnswer | undefined>,
  context: InvocationContext,
): AsyncGenerator<string> {
  try {
    if ((yield* untilFailure(frames, context)) === 'limit') return;
    const ended = await answer;
    if (ended !== undefined) yield sseFrame({ event: 'result', data: ended.json });
  } finally {
    close();
  }
}

/** Events that can't be read do not keep the caller from the result. */
async function* untilFailure(
  frames: RunEventStream['frames'],
  context: InvocationContext,
): AsyncGenerator<string, 'ended' | 'limit' | 'failed'> {
  try {
    return yield* frames;
  } catch (error) {
    context.warn(
      `[${context.functionName}] the events of the run that invocation ${context.invocationId} streams could not be read on: ${errorText(error)}`,
    );
    return 'failed';
  }
}
