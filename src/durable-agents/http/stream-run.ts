import type { InvocationContext } from '@azure/functions';
import type { AgentClient } from '../agent-client.js';
import type { RunEventSource, RunEventStream } from '../run-event-source.js';
import type { RunRequest } from '../run-request.js';
import { describeError } from './answering.js';
import { endedAnswer, failedAnswer, type RunAnswer } from './run-answer.js';
import { sseFrame } from './sse.js';

export interface StreamRunOptions {
  readonly client: AgentClient;
  readonly runEvents: RunEventSource;
  readonly agentName: string;
  readonly threadId: string;
  readonly run: RunRequest;
  readonly context: InvocationContext;
}

/**
 * Starts a run and gives its events as server-sent events, then `event: result` with the JSON of the run's answer. The
 * run goes on if nobody reads; a stream that has to end before the run does gives no result.
 *
 * @throws what hinders the run from being started
 */
export async function streamRun(options: StreamRunOptions): Promise<AsyncGenerator<string>> {
  const { client, runEvents, agentName, threadId, run, context } = options;
  const ended = new AbortController();
  const events = await runEvents.follow({ agentName, threadId, correlationId: run.correlationId }, ended.signal);
  try {
    const started = await client.start(agentName, threadId, run);
    const answer = started
      .outcome(runEvents.maxDurationMs)
      .then((outcome) => outcome && endedAnswer(run, threadId, outcome))
      .catch((error: unknown) => failedAnswer(describeError(error, context)))
      .finally(() => ended.abort());
    return withResult(events, answer);
  } catch (error) {
    events.close();
    throw error;
  }
}

async function* withResult(
  { frames, close }: RunEventStream,
  answer: Promise<RunAnswer | undefined>,
): AsyncGenerator<string> {
  try {
    if ((yield* frames) === 'limit') return;
    const ended = await answer;
    if (ended !== undefined) yield sseFrame({ event: 'result', data: ended.json });
  } finally {
    close();
  }
}
