import type { HttpResponseInit } from '@azure/functions';
import type { RunOutcome } from '../client/run-outcome.js';
import type { RunRequest } from '../run-request.js';
import type { ErrorDescription } from '../../functions/with-error-handling.js';

export type ResponseFormat = RunRequest['responseType'];

/** The answer to a run request, in both of its forms. */
export interface RunAnswer {
  readonly status: number;
  readonly text: string;
  /** Its keys are in the order of the wire. */
  readonly json: Readonly<Record<string, string | number>>;
  readonly headers?: Readonly<Record<string, string>>;
}

export function acceptedAnswer(run: RunRequest, threadId: string): RunAnswer {
  const response = 'Agent request accepted';
  return { status: 202, text: response, json: { response, ...about(run, threadId, 'accepted') } };
}

/** @param outcome `undefined` when the run had not ended while it was waited for */
export function endedAnswer(run: RunRequest, threadId: string, outcome: RunOutcome | undefined): RunAnswer {
  if (outcome === undefined) {
    const response = 'Agent is still processing or timed out...';
    return { status: 500, text: response, json: { response, ...about(run, threadId, 'timeout') } };
  }
  if (outcome.status === 'error') {
    const { error, errorCode } = outcome;
    return { status: 502, text: error, json: { error, ...about(run, threadId, 'error'), error_code: errorCode } };
  }
  const { response, messageCount } = outcome;
  return {
    status: 200,
    text: response,
    json: { response, ...about(run, threadId, 'success'), message_count: messageCount },
  };
}

export function failedAnswer({ status, message, headers }: ErrorDescription): RunAnswer {
  return { status, text: message, json: { error: message }, headers };
}

export function toResponse(answer: RunAnswer, kind: ResponseFormat, threadId: string): HttpResponseInit {
  const { status, text, json, headers } = answer;
  if (kind === 'json') return { status, headers: { ...headers }, jsonBody: json };
  const textHeaders = { 'content-type': 'text/plain; charset=utf-8', 'x-ms-thread-id': threadId };
  return { status, headers: { ...headers, ...textHeaders }, body: text };
}

function about(run: RunRequest, threadId: string, status: string): Record<string, string> {
  return { message: run.message, thread_id: threadId, status, correlation_id: run.correlationId };
}
