import type { HttpHandler, HttpRequest, HttpResponseInit, InvocationContext } from '@azure/functions';
import { getClient } from 'durable-functions';
import { AgentClient, type AgentClientOptions, type RunOutcome } from '../agent-client.js';
import type { RunRequest } from '../run-request.js';
import { createId } from '../thread-id.js';
import { answering, describeError } from './answering.js';
import { parseRunEnvelope, parseRunMessage } from './parse-run-request.js';

export interface RunRouteOptions extends AgentClientOptions {
  readonly agentName: string;
  readonly maxMessageBytes: number;
}

type AnswerKind = RunRequest['responseType'];

/** `POST agents/{agent}/run`: hands a message to the agent's thread and answers when the run has ended, or at once. */
export function createRunRoute(options: RunRouteOptions): HttpHandler {
  return answering(async (request, context) => {
    // What fails in here fails before it is known which thread the answer is about: it is always told in JSON.
    const envelope = await parseRunEnvelope(request);
    const answer = new RunAnswer(answerKind(request, envelope.body.kind), envelope.threadId);
    try {
      const { message, role } = parseRunMessage(envelope.body, options.maxMessageBytes);
      const run: RunRequest = {
        message,
        role,
        correlationId: createId(),
        createdAt: new Date().toISOString(),
        responseType: answer.kind,
      };
      const client = new AgentClient(getClient(context), options);
      if (!envelope.waitForResponse) {
        await client.send(options.agentName, envelope.threadId, run);
        return answer.accepted(run);
      }
      const outcome = await client.sendAndWait(options.agentName, envelope.threadId, run);
      return outcome === undefined ? answer.timedOut(run) : answer.ended(run, outcome);
    } catch (error) {
      return answer.failed(error, context);
    }
  });
}

function answerKind(request: HttpRequest, bodyKind: AnswerKind): AnswerKind {
  const accepted = (request.headers.get('accept') ?? '').toLowerCase().split(',');
  const wantsJson = accepted.some((range) => range.split(';', 1)[0]?.trim() === 'application/json');
  return bodyKind === 'json' || wantsJson ? 'json' : 'text';
}

/** Words the answers to one run request: a JSON object with its keys in a fixed order, or just its text. */
class RunAnswer {
  readonly kind: AnswerKind;
  readonly #threadId: string;

  constructor(kind: AnswerKind, threadId: string) {
    this.kind = kind;
    this.#threadId = threadId;
  }

  accepted(run: RunRequest): HttpResponseInit {
    const response = 'Agent request accepted';
    return this.#answer(202, response, { response, ...this.#about(run, 'accepted') });
  }

  timedOut(run: RunRequest): HttpResponseInit {
    const response = 'Agent is still processing or timed out...';
    return this.#answer(500, response, { response, ...this.#about(run, 'timeout') });
  }

  ended(run: RunRequest, outcome: RunOutcome): HttpResponseInit {
    if (outcome.status === 'error') {
      const { error, errorCode } = outcome;
      return this.#answer(502, error, { error, ...this.#about(run, 'error'), error_code: errorCode });
    }
    const { response, messageCount } = outcome;
    return this.#answer(200, response, {
      response,
      ...this.#about(run, 'success'),
      message_count: messageCount,
    });
  }

  failed(error: unknown, context: InvocationContext): HttpResponseInit {
    const { status, message } = describeError(error, context);
    return this.#answer(status, message, { error: message });
  }

  #about(run: RunRequest, status: string): Record<string, string> {
    return { message: run.message, thread_id: this.#threadId, status, correlation_id: run.correlationId };
  }

  #answer(status: number, text: string, jsonBody: Record<string, string | number>): HttpResponseInit {
    return this.kind === 'json'
      ? { status, jsonBody }
      : {
          status,
          headers: { 'content-type': 'text/plain; charset=utf-8', 'x-ms-thread-id': this.#threadId },
          body: text,
        };
  }
}
