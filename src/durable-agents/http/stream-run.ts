import type { InvocationContext } from '@azure/functions';
import type { AcceptedRequest } from '../client/accept-run.js';
import { errorText } from '../../functions/error-text.js';
import type { RunEventSource, RunEventStream } from '../run-event-source.js';
import type { RunOutcome } from '../client/run-outcome.js';
import type { RunRequest } from '../run-request.js';
import { describeError } from '../../functions/with-error-handling.js';
import { failedAnswer, type RunAnswer } from './run-answer.js';
import { sseFrame } from '../../functions/sse.js';

export interface StreamRunOptions {
  readonly runEvents: RunEventSource;
  readonly agentName: string;
  readonly threadId: string;
  readonly run: RunRequest;
  readonly accepted: AcceptedRequest;
  /** Whether another request may have started the run, so that the stream replays its events from the first. */
  readonly fromStart: boolean;
  /** The event id after which the caller resumes. Undefined: the run's first event. */
  readonly lastEventId: string | undefined;
  /**
   * Returns the answer for an outcome; undefined means that the run has not ended in time. May throw an error to answer
   * with.
   */
  readonly answerTo: (outcome: RunOutcome | undefined) => RunAnswer;
  readonly context: InvocationContext;
}

/**
 * Starts a run and streams its events as server-sent events. The last one is `event: result` with the JSON of the run's
 * answer, or of a timeout if the run has not ended in time. The run continues if the client disconnects.
 *
 * @throws if the run cannot be started
 */
export async function streamRun(options: StreamRunOptions): Promise<AsyncGenerator<Uint8Array>> {
  const { runEvents, agentName, threadId, run, accepted, fromStart, lastEventId, answerTo, context } = options;
  const ended = new AbortController();
  const followed = { agentName, threadId, correlationId: run.correlationId };
  const events = await runEvents.follow(followed, ended.signal, { fromStart, lastEventId });
  try {
    const started = accepted.outcome === undefined ? await accepted.start() : undefined;
    const outcome = started?.outcome() ?? Promise.resolve(accepted.outcome);
    const answer = outcome
      .then(answerTo)
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
  answer: Promise<RunAnswer>,
  context: InvocationContext,
): AsyncGenerator<Uint8Array> {
  try {
    yield* untilFailure(frames, context);
    yield Buffer.from(sseFrame({ event: 'result', data: (await answer).json }));
  } finally {
    close();
  }
}

/** Ends at an error, so that the caller gets the result even if the events cannot be read. */
async function* untilFailure(frames: RunEventStream['frames'], context: InvocationContext): AsyncGenerator<Uint8Array> {
  try {
    yield* frames;
  } catch (error) {
    context.warn(
      `[${context.functionName}] invocation ${context.invocationId} cannot read the rest of its run's events: ${errorText(error)}`,
    );
  }
}
