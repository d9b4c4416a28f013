import type { HttpHandler, HttpRequest } from '@azure/functions';
import { getClient } from 'durable-functions';
import { AgentClient, type AgentClientOptions } from '../client/agent-client.js';
import { assertSameMessage, findExistingRun } from '../client/existing-run.js';
import { correlationIdOfKey } from './idempotency-key.js';
import type { RunEventSource } from '../run-event-source.js';
import type { RunRecords } from '../run-records.js';
import type { RunOutcome } from '../client/run-outcome.js';
import type { RunRequest } from '../run-request.js';
import { createId } from '../thread/thread-id.js';
import { withErrorHandling, describeError } from '../../functions/with-error-handling.js';
import { parseRunEnvelope, parseRunMessage } from './parse-run-request.js';
import {
  acceptedAnswer,
  type ResponseFormat,
  endedAnswer,
  failedAnswer,
  type RunAnswer,
  toResponse,
} from './run-answer.js';
import { sseResponse } from '../../functions/sse.js';
import { streamRun } from './stream-run.js';

export interface RunRouteOptions extends AgentClientOptions {
  readonly agentName: string;
  /** Keeps the records of runs with an idempotency key. Optional. */
  readonly runRecords?: RunRecords | undefined;
  readonly maxMessageBytes: number;
  /** Absent: `Accept: text/event-stream` has no effect. */
  readonly runEvents?: RunEventSource | undefined;
}

/**
 * `POST agents/{agent}/run`: hands a message to the agent's thread and answers when the run has ended, or at once, or
 * with the run's events as they come. Requests with the same `Idempotency-Key` are one run, which each of them is
 * answered from.
 */
export function createRunRoute(options: RunRouteOptions): HttpHandler {
  const { agentName, maxMessageBytes, runEvents, runRecords } = options;
  return withErrorHandling(async (request, context, log) => {
    // What fails in here fails before it is known which thread the answer is about: it is always told in JSON.
    const { threadId, waitForResponse, idempotencyKey, body } = await parseRunEnvelope(request, agentName);
    const kind = answerKind(request, body.kind);
    try {
      const isKeyed = idempotencyKey !== undefined;
      const run: RunRequest = {
        ...parseRunMessage(body, maxMessageBytes),
        correlationId: isKeyed ? correlationIdOfKey(agentName, threadId, idempotencyKey) : createId(),
        createdAt: new Date().toISOString(),
        responseType: kind,
      };
      const client = new AgentClient(getClient(context), log, options);
      const earlier = isKeyed
        ? await findExistingRun({ client, runRecords, agentName, threadId, run, log })
        : undefined;
      const answerTo = (outcome: RunOutcome | undefined): RunAnswer => {
        if (isKeyed) assertSameMessage(run, outcome?.requestMessage);
        return endedAnswer(run, threadId, outcome);
      };
      if (runEvents !== undefined && accepts(request, 'text/event-stream')) {
        const followed = { agentName, threadId, run, earlier, fromStart: isKeyed };
        const frames = await streamRun({ ...followed, client, runEvents, answerTo, context });
        // For a client that loses the connection before the first event: where to go on, and with which run.
        return sseResponse(frames, context, {
          'x-ms-thread-id': threadId,
          'x-ms-correlation-id': run.correlationId,
        });
      }
      if (!waitForResponse) {
        if (earlier === undefined) await client.send(agentName, threadId, run);
        return toResponse(acceptedAnswer(run, threadId), kind, threadId);
      }
      const outcome = earlier ?? (await client.sendAndWait(agentName, threadId, run));
      return toResponse(answerTo(outcome), kind, threadId);
    } catch (error) {
      return toResponse(failedAnswer(describeError(error, context)), kind, threadId);
    }
  });
}

function answerKind(request: HttpRequest, bodyKind: ResponseFormat): ResponseFormat {
  return bodyKind === 'json' || accepts(request, 'application/json') ? 'json' : 'text';
}

/** Whether `Accept` lists a media type by name. */
function accepts(request: HttpRequest, mediaType: string): boolean {
  const ranges = (request.headers.get('accept') ?? '').toLowerCase().split(',');
  return ranges.some((range) => range.split(';', 1)[0]?.trim() === mediaType);
}
