import type { HttpHandler, HttpRequest } from '@azure/functions';
import { getClient } from 'durable-functions';
import { AgentClient, type AgentClientOptions } from '../client/agent-client.js';
import { acceptRun, assertSameMessage, ThreadBusyError } from '../client/accept-run.js';
import type { ThreadAccess } from '../access/thread-access.js';
import { correlationIdOfKey } from './idempotency-key.js';
import type { RunEventSource } from '../run-event-source.js';
import type { RunOutcome } from '../client/run-outcome.js';
import type { RunRequest } from '../run-request.js';
import type { JsonObject } from '../thread/thread-state.js';
import { createId } from '../thread/thread-id.js';
import { withErrorHandling, describeError } from '../../functions/with-error-handling.js';
import { type MessageRules, parseRunEnvelope, parseRunMessage } from './parse-run-request.js';
import {
  acceptedAnswer,
  outcomeAnswer,
  failedAnswer,
  headerText,
  type ResponseFormat,
  type RunAnswer,
  timeoutAnswer,
  toResponse,
} from './run-answer.js';
import { pacedBody } from '../../functions/paced-body.js';
import { sseResponse } from '../../functions/sse.js';
import { incomingTraceParent } from '../../functions/trace-parent.js';
import { streamRun } from './stream-run.js';

export interface RunRouteOptions extends Omit<AgentClientOptions, 'durableClient' | 'threadId' | 'log'> {
  readonly access: ThreadAccess;
  readonly messageRules: MessageRules;
  /** JSON Schema of the agent's answers. Undefined: any text. */
  readonly responseSchema?: JsonObject | undefined;
  /** Status of the timeout answer. */
  readonly timeoutStatus: 202 | 500;
  /** Without it, `Accept: text/event-stream` has no effect. */
  readonly runEvents?: RunEventSource | undefined;
}

/**
 * `POST agents/{agent}/run`: sends a message to the agent's thread. Answers when the run has ended, at once, or with a
 * stream of the run's events. Requests with the same `Idempotency-Key` share one run.
 */
export function createRunRoute(options: RunRouteOptions): HttpHandler {
  const { agentName, access, messageRules, runEvents, runRecords } = options;
  return withErrorHandling(async (request, context, log) => {
    // Errors before the thread is known are always JSON.
    const {
      threadId,
      waitForResponse,
      idempotencyKey,
      multitaskStrategy: strategy,
      body,
    } = await parseRunEnvelope(request, agentName);
    const kind = answerKind(request, body.kind);
    try {
      const isKeyed = idempotencyKey !== undefined;
      const traceParent = incomingTraceParent(request, context);
      const said = parseRunMessage(body, messageRules);
      const ownerId = await access.claim(request, context, { agentName, threadId }, said.message);
      const run: RunRequest = {
        ...said,
        correlationId: isKeyed ? correlationIdOfKey(agentName, threadId, idempotencyKey) : createId(),
        createdAt: new Date().toISOString(),
        responseType: kind,
        ...(strategy === 'interrupt' && { interrupts: true }),
        ...(traceParent !== undefined && { traceParent }),
        ...(ownerId !== undefined && { ownerId }),
      };
      const streamed = accepts(request, 'text/event-stream') ? runEvents : undefined;
      const maxWaitMs = streamed?.maxDurationMs ?? options.maxWaitMs;
      const durableClient = getClient(context);
      const client = new AgentClient({ ...options, durableClient, threadId, log, maxWaitMs });
      const about = { runRecords, agentName, threadId, run, log };
      const accepted = await acceptRun({ ...about, client, durableClient, isKeyed, strategy });
      const answerTo = (outcome: RunOutcome | undefined): RunAnswer => {
        if (outcome === undefined) return timeoutAnswer(run, threadId, options.timeoutStatus);
        if (isKeyed) assertSameMessage(run, outcome.requestMessage);
        return outcomeAnswer({ responseSchema: options.responseSchema, ...run }, threadId, outcome);
      };
      try {
        if (streamed !== undefined) {
          // A request without a key is a new run, which has no events yet.
          const lastEventId = (isKeyed && request.headers.get('last-event-id')) || undefined;
          const followed = { agentName, threadId, run, accepted, fromStart: isKeyed, lastEventId };
          const frames = await streamRun({ ...followed, runEvents: streamed, answerTo, context });
          // A client that loses the connection before the first event needs these headers to continue.
          return sseResponse(pacedBody(frames, context), {
            'x-ms-session-id': headerText(threadId),
            'x-ms-thread-id': headerText(threadId),
            'x-ms-correlation-id': run.correlationId,
          });
        }
        if (!waitForResponse) {
          if (accepted.outcome === undefined) (await accepted.start()).leave();
          return toResponse(acceptedAnswer(run, threadId), kind, threadId, request.url);
        }
        const outcome = accepted.outcome ?? (await (await accepted.start()).outcome());
        return toResponse(answerTo(outcome), kind, threadId, request.url);
      } catch (error) {
        await accepted.withdraw();
        throw error;
      }
    } catch (error) {
      const busy = error instanceof ThreadBusyError ? { correlation_id: error.correlationId } : {};
      return toResponse(failedAnswer(describeError(error, context), busy), kind, threadId, request.url);
    }
  });
}

function answerKind(request: HttpRequest, bodyKind: ResponseFormat): ResponseFormat {
  return bodyKind === 'json' || accepts(request, 'application/json') ? 'json' : 'text';
}

/** Returns whether `Accept` lists a media type by name. */
function accepts(request: HttpRequest, mediaType: string): boolean {
  const ranges = (request.headers.get('accept') ?? '').toLowerCase().split(',');
  return ranges.some((range) => range.split(';', 1)[0]?.trim() === mediaType);
}
