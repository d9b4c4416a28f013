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

/** What the caller gets whose time is up before the run has ended. */
export interface WaitTimeoutAnswer {
  readonly status: 202 | 500;
  /** Where to read on, for the `Location` of a 202. Optional. */
  readonly location?: string | undefined;
}

export function acceptedAnswer(run: RunRequest, threadId: string): RunAnswer {
  const response = 'Agent request accepted';
  return { status: 202, text: response, json: { response, ...answerKeys(run, threadId, 'accepted') } };
}

/** The answer to a caller whose time is up before the run has ended. */
export function timeoutAnswer(run: RunRequest, threadId: string, { status, location }: WaitTimeoutAnswer): RunAnswer {
  const response = 'Agent is still processing or timed out...';
  const json = { response, ...answerKeys(run, threadId, 'timeout') };
  return { status, text: response, json, ...(status === 202 && location !== undefined && { headers: { location } }) };
}

export function endedAnswer(run: RunRequest, threadId: string, outcome: RunOutcome): RunAnswer {
  if (outcome.status === 'error') {
    const { error, errorCode, retryAfterSeconds } = outcome;
    return {
      status: 502,
      text: error,
      json: { error, ...answerKeys(run, threadId, 'error', { error_code: errorCode }, { errorCode }) },
      ...(retryAfterSeconds !== undefined && { headers: { 'retry-after': `${Math.ceil(retryAfterSeconds)}` } }),
    };
  }
  const { response, messageCount } = outcome;
  return {
    status: 200,
    text: response,
    json: { response, ...answerKeys(run, threadId, 'success', { message_count: messageCount }, { messageCount }) },
  };
}

export function failedAnswer({ status, message, headers }: ErrorDescription): RunAnswer {
  return { status, text: message, json: { error: message }, headers };
}

export function toResponse(answer: RunAnswer, format: ResponseFormat, threadId: string): HttpResponseInit {
  const { status, text, json } = answer;
  const headers = { ...answer.headers, 'x-ms-session-id': headerText(threadId) };
  if (format === 'json') return { status, headers, jsonBody: json };
  const textHeaders = { 'content-type': 'text/plain; charset=utf-8', 'x-ms-thread-id': headerText(threadId) };
  return { status, headers: { ...headers, ...textHeaders }, body: text };
}

/** A thread id in a header: as it is if it is printable ASCII without `%`, else percent-encoded UTF-8. */
export function headerText(threadId: string): string {
  return /^[ -$&-~]*$/.test(threadId) ? threadId : encodeURIComponent(threadId);
}

/** The sample's keys first, then today's and coming names of the original. */
function answerKeys(
  { message, correlationId }: RunRequest,
  threadId: string,
  status: string,
  samplesLast: Readonly<Record<string, string | number>> = {},
  newLast: Readonly<Record<string, string | number>> = {},
): Record<string, string | number> {
  return {
    message,
    thread_id: threadId,
    status,
    correlation_id: correlationId,
    ...samplesLast,
    session_id: threadId,
    sessionId: threadId,
    correlationId,
    ...newLast,
  };
}
